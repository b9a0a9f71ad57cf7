/**
 * The task's whole life, as a pure function of its state and what happens to it.
 *
 * ```
 *  submit ──▶ phase ────┬─ done, another phase follows ───────────▶ phase
 *                       ├─ done, the branch has changes ──────────▶ landing
 *                       ├─ done, it has none ─────────────────────▶ ended: unchanged
 *                       ├─ question, proposal ────────────────────▶ asking ──── answer ─────▶ phase
 *                       ├─ failed, tries left; limited ───────────▶ backoff ─── due, retry ─▶ phase
 *                       ├─ failed, no tries left; lost too often ─▶ parked ──── retry ──────▶ phase
 *                       ├─ worker or host lost ───────────────────▶ phase (at once)
 *                       └─ failed for good ───────────────────────▶ ended: failed
 *
 *             landing ──┬─ landed ────────────────────────────────▶ ended: landed
 *                       ├─ nothing to land ───────────────────────▶ ended: unchanged
 *                       ├─ refused ───────────────────────────────▶ ended: failed
 *                       ├─ returned, revisions left ──────────────▶ phase (revise)
 *                       ├─ returned, no revisions left ───────────▶ parked ──── retry ──────▶ phase (revise)
 *                       ├─ held, held no more ────────────────────▶ landing
 *                       └─ cancel ────────────────────────────────▶ withdrawing
 *
 *         withdrawing ──┬─ landed, before it could be stopped ────▶ ended: landed
 *                       ├─ held, held no more ────────────────────▶ withdrawing
 *                       └─ withdrawn, or any other answer ────────▶ ended: canceled
 *
 *  phase, backoff, asking, parked ── cancel ──────────────────────▶ ended: canceled
 *  ended, but for landed ── tasks retry (`reopen`) ───────────────▶ phase
 * ```
 *
 * Phases follow one another: understand, plan, execute; a shell task has execute alone; what landing returns is
 * revise. Each entry into `phase` is the next attempt.
 *
 * Kept true here: attempts only grow (N2: a landing names one); every change is an event with the next sequence (N9);
 * a message refused changes nothing (N7).
 */

import { newestWithin } from './bounds.ts';
import type { Stage, Surroundings, Task, TaskInputEvent } from './task-state.ts';
import {
  afterAttempt,
  afterReturn,
  begin,
  cancel,
  cancelAttempt,
  end,
  enter,
  happen,
  holdLanding,
  land,
} from './task-transitions.ts';
import type { Phase, TaskSpec, Usage } from './task-types.ts';

export { phaseOf } from './task-state.ts';
export type { Ask, ParkedWhy, Stage, Surroundings, Task, TaskInputEvent } from './task-state.ts';
export { MAX_UNRECORDED, MAX_UNRECORDED_CHARS } from './task-transitions.ts';

export const MAX_EXCHANGES = 50;
export const MAX_EXCHANGES_CHARS = 100_000;

const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

export function firstPhase(spec: TaskSpec): Phase {
  return spec.work.kind === 'shell' ? 'execute' : 'understand';
}

export function newTask(surroundings: Surroundings): Task {
  const { spec, nowMs } = surroundings;
  const empty: Task = {
    stage: { kind: 'phase', phase: firstPhase(spec), attempt: 0 },
    sinceMs: nowMs,
    attempt: 0,
    tries: 0,
    lostInARow: 0,
    revisions: 0,
    checkpoint: null,
    session: null,
    summary: null,
    asks: 0,
    exchanges: [],
    request: null,
    lastFailure: null,
    usage: NO_USAGE,
    endedAtMs: null,
    sequence: 0,
    unrecorded: [],
  };
  const submitted = happen(empty, surroundings, { kind: 'submitted', title: spec.title, work: spec.work.kind });
  return begin(submitted, surroundings, firstPhase(spec));
}

/**
 * What `tasks retry` makes of a task that ended without landing: the same task, the next attempt. The same object when
 * it has not ended, or has landed: a task lands once (N2).
 */
export function reopen(task: Task, surroundings: Surroundings, actor: string): Task {
  const { stage } = task;
  if (stage.kind !== 'ended' || stage.end === 'landed') return task;
  const retried = happen({ ...task, endedAtMs: null, lostInARow: 0 }, surroundings, { kind: 'retried', actor });
  // One that ended while it was landing has no phase: its work is done and only has to be handed off anew.
  return begin({ ...retried, tries: 0, revisions: 0 }, surroundings, stage.phase ?? 'execute');
}

type Cell<S extends Stage['kind'], E extends TaskInputEvent['kind']> = (
  task: Task,
  event: Extract<TaskInputEvent, { kind: E }>,
  surroundings: Surroundings,
  stage: Extract<Stage, { kind: S }>,
) => Task;

type Table = {
  readonly [S in Stage['kind']]: { readonly [E in TaskInputEvent['kind']]: Cell<S, E> | 'ignored' };
};

/** Every stage × every event: the compiler refuses a missing cell. */
const TABLE: Table = {
  phase: {
    'attempt-ended': (task, event, surroundings, stage) =>
      event.attempt === stage.attempt ? afterAttempt(task, event.outcome, surroundings, stage) : task,
    due: 'ignored',
    answer: 'ignored',
    retry: 'ignored',
    cancel: (task, _event, surroundings, stage) => cancelAttempt(task, surroundings, stage),
    landed: 'ignored',
    'nothing-to-land': 'ignored',
    returned: 'ignored',
    refused: 'ignored',
    held: 'ignored',
    withdrawn: 'ignored',
  },
  backoff: {
    'attempt-ended': 'ignored',
    due: (task, _event, surroundings, stage) =>
      surroundings.nowMs >= stage.untilMs ? begin(task, surroundings, stage.phase) : task,
    answer: 'ignored',
    retry: (task, event, surroundings, stage) =>
      begin(happen(task, surroundings, { kind: 'retried', actor: event.actor }), surroundings, stage.phase),
    cancel: (task, _event, surroundings) => cancel(task, surroundings),
    landed: 'ignored',
    'nothing-to-land': 'ignored',
    returned: 'ignored',
    refused: 'ignored',
    held: 'ignored',
    withdrawn: 'ignored',
  },
  asking: {
    'attempt-ended': 'ignored',
    due: 'ignored',
    answer: (task, event, surroundings, stage) => {
      const exchange = { question: stage.ask.text, answer: event.text, actor: event.actor, atMs: surroundings.nowMs };
      const answered = happen(
        {
          ...task,
          exchanges: newestWithin([...task.exchanges, exchange], MAX_EXCHANGES, MAX_EXCHANGES_CHARS),
          tries: 0,
        },
        surroundings,
        { kind: 'answered', version: stage.ask.version, text: event.text, actor: event.actor },
      );
      return begin(answered, surroundings, stage.phase);
    },
    retry: 'ignored',
    cancel: (task, _event, surroundings) => cancel(task, surroundings),
    landed: 'ignored',
    'nothing-to-land': 'ignored',
    returned: 'ignored',
    refused: 'ignored',
    held: 'ignored',
    withdrawn: 'ignored',
  },
  parked: {
    'attempt-ended': 'ignored',
    due: 'ignored',
    answer: 'ignored',
    retry: (task, event, surroundings, stage) => {
      const retried = happen(task, surroundings, { kind: 'retried', actor: event.actor });
      const revisions = stage.why === 'revisions' ? 1 : retried.revisions;
      return begin({ ...retried, tries: 0, lostInARow: 0, revisions }, surroundings, stage.phase);
    },
    cancel: (task, _event, surroundings) => cancel(task, surroundings),
    landed: 'ignored',
    'nothing-to-land': 'ignored',
    returned: 'ignored',
    refused: 'ignored',
    held: 'ignored',
    withdrawn: 'ignored',
  },
  landing: {
    'attempt-ended': 'ignored',
    due: 'ignored',
    answer: 'ignored',
    retry: 'ignored',
    cancel: (task, _event, surroundings, stage) =>
      enter(happen(task, surroundings, { kind: 'cancel-requested' }), surroundings, {
        kind: 'withdrawing',
        checkpoint: stage.checkpoint,
        held: stage.held,
      }),
    landed: (task, event, surroundings) => land(task, event.landing, surroundings),
    'nothing-to-land': (task, _event, surroundings) => end(task, surroundings, 'unchanged', null),
    returned: (task, event, surroundings) => afterReturn(task, event.request, surroundings),
    refused: (task, event, surroundings) => end(task, surroundings, 'failed', event.failure),
    held: (task, event, surroundings, stage) => holdLanding(task, event.held, surroundings, stage),
    withdrawn: 'ignored',
  },
  withdrawing: {
    'attempt-ended': 'ignored',
    due: 'ignored',
    answer: 'ignored',
    retry: 'ignored',
    cancel: 'ignored',
    landed: (task, event, surroundings) => land(task, event.landing, surroundings),
    'nothing-to-land': (task, _event, surroundings) => cancel(task, surroundings),
    returned: (task, _event, surroundings) => cancel(task, surroundings),
    refused: (task, _event, surroundings) => cancel(task, surroundings),
    held: (task, event, surroundings, stage) => holdLanding(task, event.held, surroundings, stage),
    withdrawn: (task, _event, surroundings) => cancel(task, surroundings),
  },
  ended: {
    'attempt-ended': 'ignored',
    due: 'ignored',
    answer: 'ignored',
    retry: 'ignored',
    cancel: 'ignored',
    landed: 'ignored',
    'nothing-to-land': 'ignored',
    returned: 'ignored',
    refused: 'ignored',
    held: 'ignored',
    withdrawn: 'ignored',
  },
};

export const TASK_TABLE: { readonly [S in Stage['kind']]: { readonly [E in TaskInputEvent['kind']]: unknown } } = TABLE;

/** The task after an event; the same object when the event means nothing in its stage. */
export function nextTask(task: Task, event: TaskInputEvent, surroundings: Surroundings): Task {
  // The table's type holds the pairs of stage and event together, which an index by two unions cannot express.
  const cell = TABLE[task.stage.kind][event.kind] as
    | ((task: Task, event: TaskInputEvent, surroundings: Surroundings, stage: Stage) => Task)
    | 'ignored';
  return cell === 'ignored' ? task : cell(task, event, surroundings, task.stage);
}

/** A note on the record that a message was refused; nothing else changes. */
export function noteRefusal(
  task: Task,
  surroundings: Surroundings,
  refusal: { message: string; reason: string; actor: string },
): Task {
  return happen(task, surroundings, { kind: 'refused', ...refusal });
}

/** The task once the ledger has confirmed everything up to a sequence. */
export function confirmRecorded(task: Task, upTo: number): Task {
  const unrecorded = task.unrecorded.filter((event) => event.sequence > upTo);
  return unrecorded.length === task.unrecorded.length ? task : { ...task, unrecorded };
}
