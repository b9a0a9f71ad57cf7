/**
 * The order of those that wait: hotfixes, a turn that was granted, what a person promoted, what has waited long, then
 * by class and, within it, those of one parent in turns with others', first come first served.
 */

import type { TaskId } from './ids.ts';
import { queueItemKey } from './queue-keys.ts';
import type { Wanted } from './queue-exchange.ts';
import type { Queue, Waiting } from './queue-state.ts';
import type { QueueItem } from './queue-types.ts';

/** Items beyond this many are not taken: their tasks hand off again later. */
export const MAX_LINE = 20_000;
/** So many at the front have their details at hand. */
export const MAX_DETAILED = 16;
const LONG_WAIT = 4;
/** A median of fewer waits says little. */
const MIN_WAITS = 5;

export function rankOf({ lift, priority }: Pick<Waiting, 'lift' | 'priority'>): number {
  if (priority === 'hotfix') return 0;
  if (lift === 'turn') return 1;
  if (lift === 'promoted') return 2;
  const rank = priority === 'bulk' ? 5 : 4;
  return lift === 'aged' ? rank - 1 : rank;
}

/** Whether it goes ahead of what is being gated. */
export function goesAhead(waiting: Pick<Waiting, 'lift' | 'priority'>): boolean {
  return rankOf(waiting) <= 1;
}

function compare(a: Waiting, b: Waiting): number {
  return rankOf(a) - rankOf(b) || a.nth - b.nth || a.placeMs - b.placeMs || (a.taskId < b.taskId ? -1 : 1);
}

export function waitingOf(queue: Queue, item: QueueItem): Waiting {
  const { taskId, attempt, priority, placeMs, parent } = item;
  const nth = parent === null ? 0 : queue.line.filter((other) => other.parent === parent).length;
  const lift = queue.turn?.taskId === taskId ? 'turn' : 'none';
  return { taskId, attempt, priority, placeMs, parent, nth, lift, heldText: null, verified: false, item };
}

/** Puts one into its place; of those far back only what the order needs is kept. */
export function insert(line: readonly Waiting[], waiting: Waiting): readonly Waiting[] {
  let low = 0;
  let high = line.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const other = line[middle];
    if (other !== undefined && compare(other, waiting) <= 0) low = middle + 1;
    else high = middle;
  }
  const next = [...line];
  next.splice(low, 0, low < MAX_DETAILED ? waiting : { ...waiting, item: null });
  const pushedBack = next[MAX_DETAILED];
  if (pushedBack?.item != null) next[MAX_DETAILED] = { ...pushedBack, item: null };
  return next;
}

export function without(line: readonly Waiting[], gone: Wanted): readonly Waiting[] {
  const key = queueItemKey(gone);
  return line.filter((other) => queueItemKey(other) !== key);
}

/** Those near the front whose details have to be asked for. */
export function wantedOf(line: readonly Waiting[]): readonly Wanted[] {
  return line
    .slice(0, MAX_DETAILED)
    .filter(({ item }) => item === null)
    .map(({ taskId, attempt }) => ({ taskId, attempt }));
}

/** What tasks have said of themselves: those that no longer have what they handed off leave without a word. */
export function withDetails(
  line: readonly Waiting[],
  asked: readonly Wanted[],
  items: readonly QueueItem[],
): readonly Waiting[] {
  const known = new Map(items.map((item) => [queueItemKey(item), item]));
  const wanted = new Set(asked.map(queueItemKey));
  return line.flatMap((waiting) => {
    const key = queueItemKey(waiting);
    if (waiting.item !== null || !wanted.has(key)) return [waiting];
    const item = known.get(key);
    if (item === undefined) return [];
    const { silent: _, ...heard } = waiting;
    return [{ ...heard, item }];
  });
}

/** Those whose tasks were asked, and did not answer: they are asked again, and let others pass meanwhile. */
export function withSilence(line: readonly Waiting[], silent: readonly Wanted[]): readonly Waiting[] {
  const keys = new Set(silent.map(queueItemKey));
  return line.map((waiting) =>
    waiting.item === null && keys.has(queueItemKey(waiting)) ? { ...waiting, silent: true } : waiting,
  );
}

/** Moves up what waits over four times the median, and lets the parents' next ones close up. */
export function age(queue: Queue, nowMs: number): Queue {
  if (queue.line.length === 0) return queue;
  const limitMs = queue.waits.length < MIN_WAITS ? Number.POSITIVE_INFINITY : LONG_WAIT * median(queue.waits);
  const first = new Map<TaskId | null, number>();
  for (const { parent, nth, lift } of queue.line) {
    if (parent !== null && lift !== 'promoted') first.set(parent, Math.min(first.get(parent) ?? nth, nth));
  }
  let changed = false;
  const line = queue.line.map((waiting): Waiting => {
    if (waiting.lift === 'promoted') return waiting;
    const nth = waiting.nth - (first.get(waiting.parent) ?? 0);
    const isOld = waiting.lift === 'none' && nowMs - waiting.placeMs > limitMs;
    if (!isOld && nth === waiting.nth) return waiting;
    changed = true;
    return { ...waiting, nth, lift: isOld ? 'aged' : waiting.lift };
  });
  return changed ? { ...queue, line: line.toSorted(compare) } : queue;
}

/** It is the next one, also before those that were promoted before. */
export function promote(line: readonly Waiting[], taskId: TaskId): readonly Waiting[] {
  const nth = line.reduce((least, waiting) => Math.min(least, waiting.nth), 0) - 1;
  return line
    .map((waiting): Waiting => (waiting.taskId === taskId ? { ...waiting, lift: 'promoted', nth } : waiting))
    .toSorted(compare);
}

/** Of no numbers: 0. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
}
