/**
 * A queue as one run of its workflow hands it on to the next: those that wait in line as a few dozen bytes each, so that
 * ten thousand of them stay far below what a payload may have.
 */

import { EMPTY_QUEUE, RULES, type Queue, type Waiting } from './queue-state.ts';
import { PRIORITIES } from './task-types.ts';
import type { TaskId } from './ids.ts';

/**
 * How many facts a run of its workflow takes before it continues as new: some twenty landings, 250 events. A worker that takes a
 * queue over goes through all of them again, within the ten seconds that a workflow's task may take on a host that is busy with
 * agents; the server suggests an end after sixteen times as many (docs/adr/0029-short-runs-of-the-queue.md).
 */
export const FACTS_A_RUN = 100;

export interface CarriedQueue extends Omit<Queue, 'line'> {
  readonly line: readonly PackedWaiting[];
}

/** Task, attempt, class with lift, whether it was told that it is held and whether it was verified, place in base 36, and of those that have one the parent and the number among its own, or the number that it was promoted with. */
export type PackedWaiting = string;

const LIFTS: readonly Waiting['lift'][] = ['none', 'aged', 'promoted', 'turn'];
const CLASSES = PRIORITIES.flatMap((priority) => LIFTS.map((lift) => ({ priority, lift })));
/** What one counts as whose class this version does not know. */
const OTHERS = { priority: 'normal', lift: 'none' } as const;

export function packQueue(queue: Queue): CarriedQueue {
  return { ...queue, ...RULES, line: queue.line.map(pack) };
}

/** Fields that an older version did not know have their first value. */
export function unpackQueue(carried: CarriedQueue): Queue {
  return { ...EMPTY_QUEUE, ...carried, line: carried.line.map(unpack) };
}

/** Of one that was promoted, and has a number without a parent. */
const NO_PARENT = '-';
/** Above all that the others come to. */
const VERIFIED = 64;

function pack(waiting: Waiting): PackedWaiting {
  const { taskId, attempt, priority, lift, placeMs, parent, nth, heldText, verified } = waiting;
  const told = heldText === null ? 0 : 1;
  const place = CLASSES.findIndex((other) => other.priority === priority && other.lift === lift);
  const kind = place * 2 + told + (verified ? VERIFIED : 0);
  const family = parent === null && nth === 0 ? [] : [parent ?? NO_PARENT, nth.toString(36)];
  return [taskId, attempt.toString(36), kind.toString(36), placeMs.toString(36), ...family].join(' ');
}

function unpack(packed: PackedWaiting): Waiting {
  const [taskId = '', attempt = '', kind = '', placeMs = '', parent, nth = '0'] = packed.split(' ');
  const given = Number.parseInt(kind, 36);
  const code = given % VERIFIED;
  return {
    taskId: taskId as TaskId,
    attempt: Number.parseInt(attempt, 36),
    ...(CLASSES[code >> 1] ?? OTHERS),
    placeMs: Number.parseInt(placeMs, 36),
    parent: parent === undefined || parent === NO_PARENT ? null : (parent as TaskId),
    nth: Number.parseInt(nth, 36),
    // Only that it was told counts.
    heldText: code % 2 === 1 ? 'nothing lands for now' : null,
    verified: given >= VERIFIED,
    item: null,
  };
}
