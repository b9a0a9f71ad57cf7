/** By which rules a run of a queue's workflow goes: those of before it, until its history says that newer ones were there (core/queue-rules.ts). */

import { patched } from '@temporalio/workflow';
import { asksForToldOnce } from '../core/queue-rules.ts';
import { unpackQueue } from '../core/queue-carried.ts';
import { EMPTY_QUEUE, type Queue, type QueueFact } from '../core/queue.ts';
import type { IntegrationInput } from './messages.ts';

export interface Begun {
  readonly queue: Queue;
  /** Whether whoever began this run knows the rules of `toldOnce`. */
  readonly isOffered: boolean;
}

/** The rules are those of whoever began it: an older version names fewer. */
export function begunBy({ carried, oneTurn, toldOnce }: IntegrationInput): Begun {
  const given =
    carried === null
      ? { ...EMPTY_QUEUE, ...(oneTurn === true && { oneTurn }), ...(toldOnce === true && { toldOnce }) }
      : unpackQueue(carried);
  const { toldOnce: offered, ...queue } = given;
  return { queue, isOffered: offered === true };
}

/** A worker of an older version may have been there before: what it did not ask, it did by the older rules. */
export function byOfferedRules(queue: Queue, heard: readonly QueueFact[], isOffered: boolean): Queue {
  if (!isOffered || queue.toldOnce === true || !asksForToldOnce(queue, heard)) return queue;
  return patched('told-once') ? { ...queue, toldOnce: true } : queue;
}
