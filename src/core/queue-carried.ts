/**
 * A queue as one run of its workflow hands it on to the next: those that wait in line as a few dozen bytes each, so that
 * ten thousand of them stay far below what a payload may have.
 */

import { EMPTY_QUEUE, type Queue, type Waiting } from './queue-state.ts';
import { PRIORITIES } from './task-types.ts';
import type { TaskId } from './ids.ts';

export interface CarriedQueue extends Omit<Queue, 'line'> {
  readonly line: readonly PackedWaiting[];
}

/** Task, attempt, class with lift, whether it was told that it is held and whether it was verified, place in base 36, and of those that have one the parent and the number among its own. */
export type PackedWaiting = string;

const LIFTS: readonly Waiting['lift'][] = ['none', 'aged', 'promoted', 'turn'];

export function packQueue(queue: Queue): CarriedQueue {
  return { ...queue, line: queue.line.map(pack) };
}

/** Fields that an older version did not know have their first value. */
export function unpackQueue(carried: CarriedQueue): Queue {
  return { ...EMPTY_QUEUE, ...carried, line: carried.line.map(unpack) };
}

/** Above all that the others come to. */
const VERIFIED = 64;

function pack(waiting: Waiting): PackedWaiting {
  const { taskId, attempt, priority, lift, placeMs, parent, nth, heldText, verified } = waiting;
  const told = heldText === null ? 0 : 1;
  const kind =
    (PRIORITIES.indexOf(priority) * LIFTS.length + LIFTS.indexOf(lift)) * 2 + told + (verified ? VERIFIED : 0);
  const family = parent === null ? [] : [parent, nth.toString(36)];
  return [taskId, attempt.toString(36), kind.toString(36), placeMs.toString(36), ...family].join(' ');
}

function unpack(packed: PackedWaiting): Waiting {
  const [taskId = '', attempt = '', kind = '', placeMs = '', parent, nth = '0'] = packed.split(' ');
  const given = Number.parseInt(kind, 36);
  const code = given % VERIFIED;
  const number = code >> 1;
  return {
    taskId: taskId as TaskId,
    attempt: Number.parseInt(attempt, 36),
    priority: PRIORITIES[Math.floor(number / LIFTS.length)] ?? 'normal',
    lift: LIFTS[number % LIFTS.length] ?? 'none',
    placeMs: Number.parseInt(placeMs, 36),
    parent: parent === undefined ? null : (parent as TaskId),
    nth: Number.parseInt(nth, 36),
    // Only that it was told counts.
    heldText: code % 2 === 1 ? 'nothing lands for now' : null,
    verified: given >= VERIFIED,
    item: null,
  };
}
