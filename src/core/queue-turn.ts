/** A task's turn for itself: who makes use of it, and how long it lasts. */

import type { QueueClock } from './queue-exchange.ts';
import type { Queue } from './queue-state.ts';
import type { TaskView } from './task-types.ts';

/** One that waits for something does not, but between two tries, which are a minute apart at the most as a rule. */
export function usesItsTurn({ state, waitingFor }: Pick<TaskView, 'state' | 'waitingFor'>): boolean {
  if (state === 'waiting') return waitingFor?.kind === 'retry';
  return state === 'queued' || state === 'running' || state === 'landing';
}

export function endTurn(queue: Queue, { nowMs }: QueueClock): Queue {
  const { turn } = queue;
  const isOver = turn !== null && turn.leftMs === undefined && nowMs >= turn.untilMs;
  return isOver ? { ...queue, turn: null } : queue;
}

/** While nothing lands, whoever's turn it is, its clock stands. */
export function stopTurn(queue: Queue, { nowMs }: QueueClock): Queue {
  const { turn, halt, redMain, oneTurn } = queue;
  if (turn === null || oneTurn !== true) return queue;
  const { leftMs, ...own } = turn;
  const stands = halt !== null || redMain !== null;
  if (stands === (leftMs !== undefined)) return queue;
  if (leftMs === undefined) return { ...queue, turn: { ...own, leftMs: Math.max(0, own.untilMs - nowMs) } };
  return { ...queue, turn: { ...own, untilMs: nowMs + leftMs } };
}
