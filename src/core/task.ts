/**
 * The task's whole life, as a pure function of its state and what happens to it.
 *
 * ```
 *                 submit
 *                   │                 failed, tries left         reset or back-off over
 *                   ▼         ┌──────────────────────────▶ backoff ───────────┐
 *   ┌────────────▶ phase ─────┤                                               │
 *   │ answer        │  ▲ ▲    ├─ question, proposal ─────▶ asking ──answer──┐ │
 *   │               │  │ │    └─ no tries left ──────────▶ parked ──retry──┐│ │
 *   │          done │  │ └──────────────────────────────────────────────── ┴┴─┘
 *   │               ▼  │ returned (conflict, red gate), revisions left
 *   │            landing ───── no revisions left ────────▶ parked
 *   │             │    └────── cancel ───────────────────▶ withdrawing ── withdrawn ─▶ ended: canceled
 *   │             ▼                                             └──────── landed ─────▶ ended: landed
 *   └──────── ended: landed, unchanged, failed, rejected, canceled
 *    (retry of failed, rejected and canceled: the same task, the next attempt)
 * ```
 *
 * Phases follow one another: understand, plan, execute; a shell task has execute alone; what landing returns is
 * revise. A cancel ends every stage but `ended`, `landing` by way of `withdrawing`, since a landing may be under way.
 *
 * Kept true here: attempts only grow (N2: a landing names one); every change is an event with the next sequence (N9);
 * a reply from landing counts only for the hand-off that it answers; a message refused changes nothing (N7).
 */

import { classOf, MAX_LOST_IN_A_ROW, type Failure, type FailureKind } from './failure.ts';
import { newestWithin } from './bounds.ts';
import { backoffMs, PHASE_BACKOFF } from './retry.ts';
import { oneLine } from './text.ts';
import type {
  AttemptOutcome,
  Checkpoint,
  EndKind,
  Exchange,
  Happened,
  Held,
  Landing,
  Phase,
  RevisionRequest,
  TaskEvent,
  TaskSpec,
  Usage,
} from './task-types.ts';

export interface Ask {
  readonly kind: 'question' | 'proposal';
  /** Counts the asks of a task, from 1. */
  readonly version: number;
  readonly text: string;
}

export type ParkedWhy = 'attempts' | 'revisions';

export type Stage =
  | { readonly kind: 'phase'; readonly phase: Phase; readonly attempt: number }
  | { readonly kind: 'backoff'; readonly phase: Phase; readonly untilMs: number; readonly failure: Failure }
  | { readonly kind: 'asking'; readonly phase: Phase; readonly ask: Ask }
  | { readonly kind: 'parked'; readonly phase: Phase; readonly why: ParkedWhy; readonly failure: Failure }
  | { readonly kind: 'landing'; readonly checkpoint: Checkpoint; readonly held: Held | null }
  | { readonly kind: 'withdrawing'; readonly checkpoint: Checkpoint }
  | {
      readonly kind: 'ended';
      readonly end: EndKind;
      readonly phase: Phase | null;
      readonly failure: Failure | null;
      readonly landing: Landing | null;
    };

export type TaskInputEvent =
  | { readonly kind: 'attempt-ended'; readonly attempt: number; readonly outcome: AttemptOutcome }
  | { readonly kind: 'due' }
  | { readonly kind: 'answer'; readonly text: string; readonly actor: string }
  | { readonly kind: 'retry'; readonly actor: string }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'landed'; readonly landing: Landing }
  | { readonly kind: 'nothing-to-land' }
  | { readonly kind: 'returned'; readonly request: RevisionRequest }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'held'; readonly held: Held | null }
  | { readonly kind: 'withdrawn' };

export interface Task {
  readonly stage: Stage;
  /** When the stage began. */
  readonly sinceMs: number;
  /** The last attempt's number; every attempt of every phase counts. */
  readonly attempt: number;
  /** Tries of the present phase that were spent. */
  readonly tries: number;
  readonly lostInARow: number;
  readonly revisions: number;
  readonly checkpoint: Checkpoint | null;
  readonly session: string | null;
  readonly summary: string | null;
  readonly asks: number;
  readonly exchanges: readonly Exchange[];
  readonly request: RevisionRequest | null;
  /** The failure that the next attempt is told about. */
  readonly lastFailure: Failure | null;
  readonly usage: Usage;
  readonly endedAtMs: number | null;
  readonly sequence: number;
  /** Events that the ledger has not confirmed, oldest first. */
  readonly unrecorded: readonly TaskEvent[];
}

/** The clock, the dice and the submission: what a decision may depend on beside the task. */
export interface Surroundings {
  readonly spec: TaskSpec;
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
}

/** More than this many unconfirmed events, and the oldest are given up: a ledger that is gone for weeks must not stop a task. */
export const MAX_UNRECORDED = 500;
export const MAX_UNRECORDED_CHARS = 400_000;
export const MAX_EXCHANGES = 50;
export const MAX_EXCHANGES_CHARS = 200_000;

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

/** What `tasks retry` makes of a task that ended without landing: the same task, the next attempt. */
export function reopen(task: Task, surroundings: Surroundings, actor: string): Task {
  const ended = task.stage.kind === 'ended' ? task.stage.phase : null;
  const retried = happen({ ...task, endedAtMs: null, lostInARow: 0 }, surroundings, { kind: 'retried', actor });
  return begin({ ...retried, tries: 0, revisions: 0 }, surroundings, ended ?? firstPhase(surroundings.spec));
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
    cancel: (task, _event, surroundings) => cancel(task, surroundings),
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
      }),
    landed: (task, event, surroundings) => land(task, event.landing, surroundings),
    'nothing-to-land': (task, _event, surroundings) => end(task, surroundings, 'unchanged', null),
    returned: (task, event, surroundings) => afterReturn(task, event.request, surroundings),
    refused: (task, event, surroundings) => end(task, surroundings, 'failed', event.failure),
    held: (task, event, surroundings, stage) => ({
      ...happen(task, surroundings, { kind: 'held', held: event.held }),
      stage: { ...stage, held: event.held },
    }),
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
    held: 'ignored',
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

function afterAttempt(
  task: Task,
  outcome: AttemptOutcome,
  surroundings: Surroundings,
  stage: Extract<Stage, { kind: 'phase' }>,
): Task {
  const { phase } = stage;
  const learned = happen(learn(task, outcome), surroundings, {
    kind: 'attempt-ended',
    phase,
    attempt: stage.attempt,
    outcome: outcome.kind,
    host: outcome.host,
    usage: outcome.usage,
    summary: outcome.kind === 'done' ? outcome.summary : null,
    failure: outcome.kind === 'failed' ? outcome.failure : null,
  });
  switch (outcome.kind) {
    case 'done':
      return afterDone(
        { ...learned, tries: 0, lostInARow: 0, lastFailure: null, summary: outcome.summary },
        surroundings,
        phase,
      );
    case 'question':
    case 'proposal': {
      const ask: Ask = { kind: outcome.kind, version: learned.asks + 1, text: outcome.text };
      const asked = happen({ ...learned, asks: ask.version, lostInARow: 0 }, surroundings, {
        kind: 'asked',
        ask: ask.kind,
        version: ask.version,
        text: ask.text,
      });
      return enter(asked, surroundings, { kind: 'asking', phase, ask });
    }
    case 'failed':
      return afterFailure(learned, outcome.failure, surroundings, phase);
  }
}

function learn(task: Task, outcome: AttemptOutcome): Task {
  return {
    ...task,
    session: outcome.session ?? task.session,
    checkpoint: outcome.checkpoint ?? task.checkpoint,
    usage: addUsage(task.usage, outcome.usage),
  };
}

function afterDone(task: Task, surroundings: Surroundings, phase: Phase): Task {
  if (phase === 'understand') return begin(task, surroundings, 'plan');
  if (phase === 'plan') return begin(task, surroundings, 'execute');
  const { checkpoint } = task;
  if (checkpoint === null || !checkpoint.changed) return end(task, surroundings, 'unchanged', null);
  const handedOff = happen({ ...task, request: null }, surroundings, { kind: 'handed-off', checkpoint });
  return enter(handedOff, surroundings, { kind: 'landing', checkpoint, held: null });
}

function afterFailure(task: Task, failure: Failure, surroundings: Surroundings, phase: Phase): Task {
  const failed: Task = { ...task, lastFailure: failure };
  switch (classOf(failure.kind)) {
    case 'canceled':
      return cancel(failed, surroundings);
    case 'fatal':
      return end(failed, surroundings, 'failed', failure);
    case 'limited': {
      const untilMs = failure.resetsAtMs ?? surroundings.nowMs + PHASE_BACKOFF.capMs;
      return enter({ ...failed, lostInARow: 0 }, surroundings, { kind: 'backoff', phase, untilMs, failure });
    }
    case 'lost': {
      const lostInARow = task.lostInARow + 1;
      if (lostInARow >= MAX_LOST_IN_A_ROW)
        return park({ ...failed, lostInARow }, surroundings, phase, 'attempts', failure);
      return begin({ ...failed, lostInARow }, surroundings, phase);
    }
    case 'retryable': {
      const tries = task.tries + 1;
      const tried: Task = { ...failed, tries, lostInARow: 0 };
      if (tries >= surroundings.spec.policy.attempts) return park(tried, surroundings, phase, 'attempts', failure);
      const untilMs = surroundings.nowMs + backoffMs(PHASE_BACKOFF, tries, surroundings.random);
      return enter(tried, surroundings, { kind: 'backoff', phase, untilMs, failure });
    }
  }
}

function afterReturn(task: Task, request: RevisionRequest, surroundings: Surroundings): Task {
  const returned = happen({ ...task, request, tries: 0 }, surroundings, { kind: 'returned', request });
  if (task.revisions >= surroundings.spec.policy.revisions) {
    const kind: FailureKind = request.kind === 'red' ? 'command-failed' : 'conflict-markers';
    const failure: Failure = {
      kind,
      message: oneLine(request.text, 500),
      next: 'look at the evidence, then retry the task for one more revision, or cancel it',
      evidence: request.evidence,
    };
    return park({ ...returned, lastFailure: failure }, surroundings, 'revise', 'revisions', failure);
  }
  return begin({ ...returned, revisions: task.revisions + 1 }, surroundings, 'revise');
}

function begin(task: Task, surroundings: Surroundings, phase: Phase): Task {
  const attempt = task.attempt + 1;
  const scheduled = happen({ ...task, attempt }, surroundings, { kind: 'attempt-scheduled', phase, attempt });
  return enter(scheduled, surroundings, { kind: 'phase', phase, attempt });
}

function park(task: Task, surroundings: Surroundings, phase: Phase, why: ParkedWhy, failure: Failure): Task {
  const parked = happen(task, surroundings, { kind: 'parked', why, text: failure.message });
  return enter(parked, surroundings, { kind: 'parked', phase, why, failure });
}

function cancel(task: Task, surroundings: Surroundings): Task {
  return end(task, surroundings, 'canceled', null);
}

function land(task: Task, landing: Landing, surroundings: Surroundings): Task {
  const landed = happen(task, surroundings, { kind: 'landed', landing });
  return end(landed, surroundings, 'landed', null, landing);
}

function end(
  task: Task,
  surroundings: Surroundings,
  kind: EndKind,
  failure: Failure | null,
  landing: Landing | null = null,
): Task {
  const ended = happen({ ...task, endedAtMs: surroundings.nowMs }, surroundings, { kind: 'ended', end: kind, failure });
  return enter(ended, surroundings, { kind: 'ended', end: kind, phase: phaseOf(task), failure, landing });
}

/** The phase that a task is in, or would go on with; null while it lands or has landed. */
export function phaseOf(task: Task): Phase | null {
  return 'phase' in task.stage ? task.stage.phase : null;
}

function enter(task: Task, surroundings: Surroundings, stage: Stage): Task {
  return { ...task, stage, sinceMs: surroundings.nowMs };
}

function happen(task: Task, surroundings: Surroundings, happened: Happened): Task {
  const sequence = task.sequence + 1;
  const event: TaskEvent = { sequence, at: new Date(surroundings.nowMs).toISOString(), happened };
  return {
    ...task,
    sequence,
    unrecorded: newestWithin([...task.unrecorded, event], MAX_UNRECORDED, MAX_UNRECORDED_CHARS),
  };
}

function addUsage(total: Usage, more: Usage | null): Usage {
  if (more === null) return total;
  return {
    inputTokens: total.inputTokens + more.inputTokens,
    outputTokens: total.outputTokens + more.outputTokens,
    costUsd: total.costUsd + more.costUsd,
  };
}
