/**
 * The task's whole life, as a pure function of its state and what happens to it.
 *
 * ```
 *  submit ──▶ phase ────┬─ done, another phase follows ───────────▶ phase
 *                       ├─ done, the branch has changes ──────────▶ landing
 *                       ├─ done, it has none ─────────────────────▶ ended: unchanged
 *                       ├─ done, and somebody decides about it ───▶ asking
 *                       ├─ questions, a proposal ─────────────────▶ asking
 *                       ├─ failed, tries left; limited ───────────▶ backoff ─── due, retry ─▶ phase
 *                       ├─ failed, no tries left; lost too often ─▶ parked ──── retry ──────▶ phase
 *                       ├─ worker or host lost ───────────────────▶ phase (at once)
 *                       └─ failed for good ───────────────────────▶ ended: failed
 *
 *  a proposal, a question ── submitted as one ────────────────────▶ asking
 *
 *              asking ──┬─ the last open question answered ───────▶ phase (again)
 *                       ├─ approved ──────────────────────────────▶ phase, landing
 *                       ├─ changes wanted ────────────────────────▶ phase (again)
 *                       ├─ rejected ──────────────────────────────▶ ended: rejected
 *                       ├─ due: reminded, handed to another ──────▶ asking
 *                       ├─ due: over, with a default answer ──────▶ phase (again)
 *                       └─ due: over, without one ────────────────▶ ended: failed
 *
 *             landing ──┬─ landed ────────────────────────────────▶ ended: landed
 *                       ├─ nothing to land ───────────────────────▶ ended: unchanged
 *                       ├─ refused ───────────────────────────────▶ ended: failed
 *                       ├─ returned, revisions left ──────────────▶ phase (revise)
 *                       ├─ returned, no revisions left ───────────▶ parked ──── retry ──────▶ phase (revise)
 *                       ├─ held, held no more ────────────────────▶ landing
 *                       ├─ withdrawn, before it was set back ─────▶ ended: canceled
 *                       └─ cancel ────────────────────────────────▶ withdrawing
 *
 *         withdrawing ──┬─ landed, before it could be stopped ────▶ ended: landed
 *                       ├─ held, held no more ────────────────────▶ withdrawing
 *                       └─ withdrawn, or any other answer ────────▶ ended: canceled
 *
 *  where it would go on, while a question blocks it ──────────────▶ blocked ─── released ───▶ phase, landing
 *  phase, backoff, asking, blocked, parked ── cancel ─────────────▶ ended: canceled
 *  ended, but for landed ── tasks retry (`reopen`) ───────────────▶ phase
 *  any, its workflow terminated ── tasks retry (`startOver`) ─────▶ phase (the first one)
 * ```
 *
 * Phases follow one another: understand, plan, execute; a shell task has execute alone; what landing returns is
 * revise. Each entry into `phase` is the next attempt. A comment, an edit and a question that blocks the task reach it
 * in every stage but the last, and move none.
 *
 * Kept true here: attempts only grow (N2: a landing names one); every change is an event with the next sequence (N9);
 * a message refused changes nothing (N7).
 */

import { answer, approve, overdue, reject, replaceAsks, revise } from './asking.ts';
import { afterAttempt, afterReturn, cancelAttempt, holdLanding, land } from './attempts.ts';
import { nextDueMs } from './patience.ts';
import { cancel, end, enter, goOn, happen, noteRetry } from './task-moves.ts';
import { block, comment, edit, editAsked, noteConflict, release, releaseAndGoOn } from './task-notes.ts';
import { start } from './task-start.ts';
import type { Stage, Surroundings, Task, TaskInputEvent } from './task-state.ts';

export { phaseOf } from './task-state.ts';
export { MAX_EXCHANGES, MAX_EXCHANGES_CHARS, MAX_UNRECORDED, MAX_UNRECORDED_CHARS } from './task-moves.ts';
export { firstPhase, newTask, reopen, startOver } from './task-start.ts';
export { confirmMade, confirmRecorded, currentSpec, noteRefusal, overtake } from './task-notes.ts';
export type { ParkedWhy, PersonEvent, Stage, Surroundings, Task, TaskInputEvent } from './task-state.ts';

/** When the task's stage has something due by itself, in milliseconds since the epoch; null: it waits for a message. */
export function dueAtMs({ stage }: Task): number | null {
  if (stage.kind === 'backoff') return stage.untilMs;
  return stage.kind === 'asking' ? nextDueMs(stage.asks) : null;
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

/** Cells that several stages have alike. */
const NOTES = { comment, edit, block, release } as const;
const NO_NOTES = { comment: 'ignored', edit: 'ignored', block: 'ignored', release: 'ignored' } as const;
/** Landing finds conflicts itself, and sends back with the evidence. */
const FINDS_CONFLICTS = { conflict: 'ignored' } as const;
const NO_REPLY = { answer: 'ignored', approve: 'ignored', revise: 'ignored', reject: 'ignored' } as const;
const NO_LANDING = {
  landed: 'ignored',
  'nothing-to-land': 'ignored',
  returned: 'ignored',
  refused: 'ignored',
  held: 'ignored',
  withdrawn: 'ignored',
} as const;

/** Whether what is open is the submission's own words. Attempts do not tell: a task that begins anew keeps their number. */
function asksOfSubmission({ asks }: Extract<Stage, { kind: 'asking' }>, { spec }: Surroundings): boolean {
  return spec.type === 'question' || asks.some((ask) => ask.kind === 'proposal' && ask.proposal.kind === 'task');
}

const canceled = (task: Task, _event: unknown, surroundings: Surroundings): Task => cancel(task, surroundings);
const landed = (task: Task, event: Extract<TaskInputEvent, { kind: 'landed' }>, surroundings: Surroundings): Task =>
  land(task, event.landing, surroundings);

/** Every stage × every event: the compiler refuses a missing cell. */
const TABLE: Table = {
  phase: {
    'attempt-ended': (task, event, surroundings, stage) =>
      event.attempt === stage.attempt ? afterAttempt(task, event.outcome, surroundings, stage) : task,
    conflict: noteConflict,
    due: 'ignored',
    ...NO_REPLY,
    ...NOTES,
    retry: 'ignored',
    cancel: (task, _event, surroundings, stage) => cancelAttempt(task, surroundings, stage),
    ...NO_LANDING,
  },
  backoff: {
    'attempt-ended': 'ignored',
    conflict: noteConflict,
    due: (task, _event, surroundings, { phase, untilMs }) =>
      surroundings.nowMs >= untilMs ? goOn(task, surroundings, { kind: 'phase', phase }) : task,
    ...NO_REPLY,
    ...NOTES,
    retry: (task, { actor, from }, surroundings, { phase }) =>
      goOn(noteRetry(task, surroundings, actor, from ?? null), surroundings, { kind: 'phase', phase: from ?? phase }),
    cancel: canceled,
    ...NO_LANDING,
  },
  asking: {
    'attempt-ended': 'ignored',
    conflict: noteConflict,
    due: (task, _event, surroundings, stage) => overdue(task, surroundings, stage),
    answer,
    approve,
    revise,
    reject,
    ...NOTES,
    // What only asks is asked anew in its new words; a reply to the old ones comes too late.
    edit: (task, event, surroundings, stage) => {
      if (!asksOfSubmission(stage, surroundings)) return edit(task, event, surroundings);
      const replaced = replaceAsks(task, event.actor, surroundings, stage);
      return start(editAsked(replaced, event, surroundings, task.asks), surroundings);
    },
    retry: 'ignored',
    cancel: canceled,
    ...NO_LANDING,
  },
  blocked: {
    'attempt-ended': 'ignored',
    conflict: noteConflict,
    due: 'ignored',
    ...NO_REPLY,
    ...NOTES,
    release: releaseAndGoOn,
    retry: 'ignored',
    cancel: canceled,
    ...NO_LANDING,
  },
  parked: {
    'attempt-ended': 'ignored',
    conflict: noteConflict,
    due: 'ignored',
    ...NO_REPLY,
    ...NOTES,
    retry: (task, { actor, from }, surroundings, { phase, why }) => {
      const retried = noteRetry(task, surroundings, actor, from ?? null);
      const revisions = why === 'revisions' ? 1 : retried.revisions;
      const fresh = { ...retried, tries: 0, lostInARow: 0, revisions };
      return goOn(fresh, surroundings, { kind: 'phase', phase: from ?? phase });
    },
    cancel: canceled,
    ...NO_LANDING,
  },
  landing: {
    'attempt-ended': 'ignored',
    ...FINDS_CONFLICTS,
    due: 'ignored',
    ...NO_REPLY,
    ...NOTES,
    // Handed off again under its new title; one that is on its way to main keeps the old one.
    edit: (task, event, surroundings, stage) => ({ ...edit(task, event, surroundings), stage: { ...stage } }),
    retry: 'ignored',
    cancel: (task, _event, surroundings, { checkpoint, held }) =>
      enter(happen(task, surroundings, { kind: 'cancel-requested' }), surroundings, {
        kind: 'withdrawing',
        checkpoint,
        held,
      }),
    landed,
    'nothing-to-land': (task, _event, surroundings) => end(task, surroundings, 'unchanged', null),
    returned: (task, event, surroundings) => afterReturn(task, event, surroundings),
    refused: (task, event, surroundings) => end(task, surroundings, 'failed', event.failure),
    held: (task, event, surroundings, stage) => holdLanding(task, event.held, surroundings, stage),
    // Its workflow was set back to before a cancel: this hand-off will never land.
    withdrawn: canceled,
  },
  withdrawing: {
    'attempt-ended': 'ignored',
    ...FINDS_CONFLICTS,
    due: 'ignored',
    ...NO_REPLY,
    ...NO_NOTES,
    retry: 'ignored',
    cancel: 'ignored',
    landed,
    'nothing-to-land': canceled,
    returned: canceled,
    refused: canceled,
    held: (task, event, surroundings, stage) => holdLanding(task, event.held, surroundings, stage),
    withdrawn: canceled,
  },
  ended: {
    'attempt-ended': 'ignored',
    ...FINDS_CONFLICTS,
    due: 'ignored',
    ...NO_REPLY,
    ...NO_NOTES,
    retry: 'ignored',
    cancel: 'ignored',
    ...NO_LANDING,
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
