/**
 * The transitions that the table in task.ts is made of: each takes a task to the stage that its name says, and puts
 * what happened on the record.
 *
 * Kept true here: `begin` alone hands out attempts, each one more than the last (N2); `happen` alone makes events, each
 * with the next sequence (N9).
 */

import { newestWithin } from './bounds.ts';
import { classOf, MAX_LOST_IN_A_ROW, type Failure, type FailureKind } from './failure.ts';
import { backoffMs, PHASE_BACKOFF } from './retry.ts';
import { phaseOf, type Ask, type ParkedWhy, type Stage, type Surroundings, type Task } from './task-state.ts';
import type {
  AttemptOutcome,
  EndKind,
  Happened,
  Held,
  Landing,
  Phase,
  RevisionRequest,
  TaskEvent,
  Usage,
} from './task-types.ts';
import { oneLine } from './text.ts';

/** More than this many unconfirmed events, and the oldest are given up: a ledger that is gone for weeks must not stop a task. */
export const MAX_UNRECORDED = 500;
export const MAX_UNRECORDED_CHARS = 200_000;

/** A limit whose reset is unknown, past or near is waited for at least this long: it spends no try, so nothing else would end it. */
export const MIN_LIMIT_MS = 10_000;
/** No limit is waited for longer in one go: a timer's milliseconds end at 24 days, and a reset years away is a misreading. */
export const MAX_LIMIT_MS = 20 * 24 * 60 * 60 * 1_000;

export function afterAttempt(
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
      const untilMs = surroundings.nowMs + untilResetMs(failure, surroundings.nowMs);
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

function untilResetMs(failure: Failure, nowMs: number): number {
  const leftMs = (failure.resetsAtMs ?? Number.NaN) - nowMs;
  return Number.isNaN(leftMs) ? PHASE_BACKOFF.capMs : Math.min(MAX_LIMIT_MS, Math.max(MIN_LIMIT_MS, leftMs));
}

export function afterReturn(task: Task, request: RevisionRequest, surroundings: Surroundings): Task {
  const returned = happen({ ...task, request, tries: 0 }, surroundings, { kind: 'returned', request });
  if (task.revisions >= surroundings.spec.policy.revisions) {
    const kind: FailureKind = request.kind === 'red' ? 'command-failed' : 'conflict-markers';
    const failure: Failure = {
      kind,
      message: oneLine(request.text, 500),
      next: 'look at the evidence, then retry the task to have it revised again, or cancel it',
      evidence: request.evidence,
    };
    return park({ ...returned, lastFailure: failure }, surroundings, 'revise', 'revisions', failure);
  }
  return begin({ ...returned, revisions: task.revisions + 1 }, surroundings, 'revise');
}

export function begin(task: Task, surroundings: Surroundings, phase: Phase): Task {
  const attempt = task.attempt + 1;
  const scheduled = happen({ ...task, attempt }, surroundings, { kind: 'attempt-scheduled', phase, attempt });
  return enter(scheduled, surroundings, { kind: 'phase', phase, attempt });
}

function park(task: Task, surroundings: Surroundings, phase: Phase, why: ParkedWhy, failure: Failure): Task {
  const parked = happen(task, surroundings, { kind: 'parked', why, text: failure.message });
  return enter(parked, surroundings, { kind: 'parked', phase, why, failure });
}

export function cancel(task: Task, surroundings: Surroundings): Task {
  return end(task, surroundings, 'canceled', null);
}

/** A cancel while an attempt runs: the attempt has ended with it, and the record says so. */
export function cancelAttempt(task: Task, surroundings: Surroundings, stage: Extract<Stage, { kind: 'phase' }>): Task {
  const failure: Failure = {
    kind: 'canceled',
    message: 'the task was canceled',
    next: 'nothing: somebody asked for it',
  };
  const ended = happen(task, surroundings, {
    kind: 'attempt-ended',
    phase: stage.phase,
    attempt: stage.attempt,
    outcome: 'failed',
    host: null,
    usage: null,
    summary: null,
    failure,
  });
  return cancel(ended, surroundings);
}

/** What keeps landing waiting, or that nothing does any more: shown, and otherwise without effect. */
export function holdLanding(
  task: Task,
  held: Held | null,
  surroundings: Surroundings,
  stage: Extract<Stage, { kind: 'landing' | 'withdrawing' }>,
): Task {
  if (held === null && stage.held === null) return task;
  return { ...happen(task, surroundings, { kind: 'held', held }), stage: { ...stage, held } };
}

export function land(task: Task, landing: Landing, surroundings: Surroundings): Task {
  const landed = happen(task, surroundings, { kind: 'landed', landing });
  return end(landed, surroundings, 'landed', null, landing);
}

export function end(
  task: Task,
  surroundings: Surroundings,
  kind: EndKind,
  failure: Failure | null,
  landing: Landing | null = null,
): Task {
  const ended = happen({ ...task, endedAtMs: surroundings.nowMs }, surroundings, { kind: 'ended', end: kind, failure });
  return enter(ended, surroundings, { kind: 'ended', end: kind, phase: phaseOf(task), failure, landing });
}

export function enter(task: Task, surroundings: Surroundings, stage: Stage): Task {
  return { ...task, stage, sinceMs: surroundings.nowMs };
}

export function happen(task: Task, surroundings: Surroundings, happened: Happened): Task {
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
