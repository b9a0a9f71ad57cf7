/** What the activities are asked to do for a task, decided from its state. */

import { isReviewed } from './attempts.ts';
import { currentSpec, phaseOf, type Task } from './task.ts';
import type { Documents } from './task-state.ts';
import type { QueueItem } from './queue-types.ts';
import { naming } from './removed-tests.ts';
import type {
  Checkpoint,
  Exchange,
  LeftOut,
  MainConflict,
  NotifyRule,
  Phase,
  RevisionRequest,
  TaskSpec,
  TaskView,
} from './task-types.ts';
import type { TaskEvent } from './task-events.ts';
import type { Failure } from './failure.ts';
import { viewOf } from './task-view.ts';
import { oneLine } from './text.ts';

/** How long landing holds for a task's exclusive turn where the project says nothing. */
const DEFAULT_TURN_MS = 30 * 60_000;

/** The type of the failure with which a worker gives a phase back that it has no slot for: nothing has begun. */
export const NO_FREE_SLOT = 'NoFreeSlot';

/** From where an attempt begins. */
export type StartPoint =
  /** Main as it now is on the origin; anything that was in the worktree is discarded. */
  | { readonly kind: 'main' }
  /** The task's own checkpoint, fetched from the origin when the host lacks it. */
  | { readonly kind: 'checkpoint'; readonly checkpoint: Checkpoint }
  /** The checkpoint with main merged in by the engine, conflict markers left in the files. */
  | { readonly kind: 'revision'; readonly checkpoint: Checkpoint };

/** Attempts since the last checkpoint of which one ended without a word: its host may still be at work. */
export interface LostAttempts {
  /** From the earliest; from now on nothing that they send is taken. */
  readonly attempts: readonly number[];
  /** Whether the work that one of them has stored on the way is gone on from, instead of {@link PhaseRequest.start}. */
  readonly goOn: boolean;
}

/** The ledger's copy of a task and the events that it may not have; travels with every activity of the task. */
export interface RecordRequest {
  readonly view: TaskView;
  readonly events: readonly TaskEvent[];
  /** Whom the project wants to be told; left out where it wants nobody. */
  readonly notify?: readonly NotifyRule[];
  /** The workflow was set back: the ledger may be further, and the attempt's number taken. */
  readonly reset?: true;
}

export interface PhaseRequest {
  /** As it now reads. */
  readonly spec: TaskSpec;
  /** Whether people have changed the submission. */
  readonly edited: boolean;
  readonly phase: Phase;
  readonly attempt: number;
  readonly start: StartPoint;
  /** Left out: none. */
  readonly unfinished?: LostAttempts;
  /** The attempt whose refs hold what `start` begins from; those of earlier ones may go. */
  readonly confirmedAttempt: number | null;
  readonly session: string | null;
  readonly exchanges: readonly Exchange[];
  /** Older ones that had no room; left out: none. */
  readonly leftOut?: LeftOut;
  readonly request: RevisionRequest | null;
  /** To be tried without an agent: main is merged in, and the files that conflict are made anew by main's rules. */
  readonly regenerate?: true;
  /** Left out by an older version. */
  readonly conflict?: MainConflict | null;
  readonly lastFailure: Failure | null;
  /** Documents that a person has approved: they replace what is in the task folder. */
  readonly documents: Documents;
  /** Whether somebody decides about the phase's result, so that it has to be brought back. */
  readonly reviewed: boolean;
  readonly record: RecordRequest;
}

export function recordRequestOf(task: Task, spec: TaskSpec): RecordRequest {
  // A task of an older version has none.
  const notify = spec.policy.notify ?? [];
  return {
    view: viewOf(task, spec),
    events: task.unrecorded,
    ...(notify.length === 0 ? {} : { notify }),
    ...(task.reset === true ? { reset: true } : {}),
  };
}

export function phaseRequestOf(task: Task, spec: TaskSpec): PhaseRequest {
  const phase = phaseOf(task);
  if (phase === null) throw new Error(`a task in stage ${task.stage.kind} has no phase to run`);
  return {
    spec: currentSpec(task, spec),
    edited: task.edited !== null,
    phase,
    attempt: task.attempt,
    start: startPointOf(task, spec, phase),
    ...unfinishedOf(task, spec, phase),
    confirmedAttempt: task.checkpoint?.attempt ?? null,
    session: task.session,
    exchanges: task.exchanges,
    ...(task.leftOut === undefined ? {} : { leftOut: task.leftOut }),
    request: task.request,
    ...(phase === 'revise' && task.request?.regenerate === true ? { regenerate: true } : {}),
    conflict: task.conflict,
    lastFailure: task.lastFailure,
    documents: task.documents,
    reviewed: isReviewed(phase, spec.policy.approve),
    record: recordRequestOf(task, spec),
  };
}

/** A shell command always runs on main as it now is; an agent goes on from what it left. */
function startPointOf(task: Task, spec: TaskSpec, phase: Phase): StartPoint {
  if (spec.work.kind === 'shell' || task.checkpoint === null) return { kind: 'main' };
  return { kind: phase === 'revise' ? 'revision' : 'checkpoint', checkpoint: task.checkpoint };
}

/** What was stored on the way holds for whoever works on it: a shell command begins anew, and so do files that are made anew. */
function unfinishedOf(task: Task, spec: TaskSpec, phase: Phase): Pick<PhaseRequest, 'unfinished'> {
  const { lost = [] } = task;
  if (lost.length === 0) return {};
  const anew = phase === 'revise' && task.request?.regenerate === true;
  return { unfinished: { attempts: lost, goOn: spec.work.kind !== 'shell' && !anew } };
}

/** The task's branch as the integration workflow takes it. */
export function queueItemOf(task: Task, spec: TaskSpec, checkpoint: Checkpoint): QueueItem {
  const item = {
    taskId: spec.id,
    attempt: checkpoint.attempt,
    head: checkpoint.head,
    base: checkpoint.base,
    title: currentSpec(task, spec).title,
    summary: oneLine(task.summary ?? '', 1_000),
    author: spec.owner,
    enqueuedAtMs: task.sinceMs,
    priority: spec.priority ?? 'normal',
    placeMs: task.placeMs ?? task.sinceMs,
    returns: task.revisions,
    mayReturn: spec.policy.revisions,
    turnMs: spec.policy.turnMs ?? DEFAULT_TURN_MS,
    parent: spec.parent,
  };
  return naming(item, checkpoint.removedTests ?? []);
}
