/**
 * The moves that every transition is made of.
 *
 * Kept true here: `begin` alone hands out attempts, each one more than the last (N2); `happen` alone makes events, each
 * with the next sequence (N9); nothing goes on past a question that the task is blocked by.
 */

import type { Continuation } from './ask-types.ts';
import { newestWithin } from './bounds.ts';
import type { Failure } from './failure.ts';
import { goBack } from './retry-from.ts';
import type { Happened, Landing, TaskEvent } from './task-events.ts';
import { phaseOf, type ParkedWhy, type Stage, type Surroundings, type Task } from './task-state.ts';
import type { EndKind, Exchange, Phase } from './task-types.ts';

/** More than this many unconfirmed events, and the oldest are given up: a ledger that is gone for weeks must not stop a task. */
export const MAX_UNRECORDED = 500;
export const MAX_UNRECORDED_CHARS = 200_000;

export const MAX_EXCHANGES = 50;
export const MAX_EXCHANGES_CHARS = 100_000;

/** The next attempt, or landing; or the wait for what blocks it. */
export function goOn(task: Task, surroundings: Surroundings, leadsTo: Continuation): Task {
  const phase = leadsTo.kind === 'phase' ? leadsTo.phase : (phaseOf(task) ?? 'execute');
  const [blocker] = task.blockers;
  if (blocker !== undefined) {
    const waiting = happen(task, surroundings, { kind: 'blocked', ...blocker });
    return enter(waiting, surroundings, { kind: 'blocked', phase, leadsTo });
  }
  return leadsTo.kind === 'phase' ? begin(task, surroundings, leadsTo.phase) : handOff(task, surroundings);
}

function begin(task: Task, surroundings: Surroundings, phase: Phase): Task {
  const attempt = task.attempt + 1;
  const scheduled = happen({ ...task, attempt }, surroundings, { kind: 'attempt-scheduled', phase, attempt });
  return enter(scheduled, surroundings, { kind: 'phase', phase, attempt });
}

function handOff(task: Task, surroundings: Surroundings): Task {
  const { checkpoint } = task;
  if (checkpoint === null || !checkpoint.changed) return end(task, surroundings, 'unchanged', null);
  // A task of an earlier version has no place yet.
  const placeMs = task.placeMs ?? surroundings.nowMs;
  const handedOff = happen({ ...task, request: null, conflict: null, placeMs }, surroundings, {
    kind: 'handed-off',
    checkpoint,
  });
  return enter(handedOff, surroundings, { kind: 'landing', checkpoint, held: null });
}

export function park(task: Task, surroundings: Surroundings, phase: Phase, why: ParkedWhy, failure: Failure): Task {
  const parked = happen(task, surroundings, { kind: 'parked', why, text: failure.message });
  return enter(parked, surroundings, { kind: 'parked', phase, why, failure });
}

export function cancel(task: Task, surroundings: Surroundings): Task {
  return end(task, surroundings, 'canceled', null);
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

/** That somebody retries it; from a phase, when one is named. */
export function noteRetry(task: Task, surroundings: Surroundings, actor: string, from: Phase | null): Task {
  return happen(goBack(task, from), surroundings, { kind: 'retried', actor, ...(from === null ? {} : { from }) });
}

/** Something that people said, for the next prompt. */
export function exchange(task: Task, surroundings: Surroundings, said: Omit<Exchange, 'atMs'>): Task {
  const all = [...task.exchanges, { ...said, atMs: surroundings.nowMs }];
  const exchanges = newestWithin(all, MAX_EXCHANGES, MAX_EXCHANGES_CHARS);
  const gone = all.slice(0, all.length - exchanges.length);
  if (gone.length === 0) return { ...task, exchanges };
  const count = (kind: Exchange['kind']): number => gone.filter((each) => each.kind === kind).length;
  const { question, decision, comment } = task.leftOut ?? { question: 0, decision: 0, comment: 0 };
  const leftOut = {
    question: question + count('question'),
    decision: decision + count('decision'),
    comment: comment + count('comment'),
  };
  return { ...task, exchanges, leftOut };
}
