/** By which rules a run of a queue's workflow goes: those of before it, until its history says that newer ones were there (core/queue-rules.ts). */

import { patched } from '@temporalio/workflow';
import { asksForRedRests, asksForToldOnce } from '../core/queue-rules.ts';
import { unpackQueue } from '../core/queue-carried.ts';
import { EMPTY_QUEUE, type Queue, type QueueClock, type QueueFact } from '../core/queue.ts';
import type { IntegrationInput } from './messages.ts';

/** The rules that whoever began this run knows, and that its history is asked for. */
export type Offered = Pick<Queue, 'toldOnce' | 'redRests'>;

export interface Begun {
  readonly queue: Queue;
  readonly offered: Offered;
}

/** The rules are those of whoever began it: an older version names fewer. */
export function begunBy({ carried, oneTurn, toldOnce, redRests }: IntegrationInput): Begun {
  const given =
    carried === null
      ? {
          ...EMPTY_QUEUE,
          ...(oneTurn === true && { oneTurn }),
          ...(toldOnce === true && { toldOnce }),
          ...(redRests === true && { redRests }),
        }
      : unpackQueue(carried);
  const { toldOnce: told, redRests: rests, ...queue } = given;
  return { queue, offered: { ...(told === true && { toldOnce: told }), ...(rests === true && { redRests: rests }) } };
}

/** A worker of an older version may have been there before: what it did not ask, it did by the older rules. */
export function byOfferedRules(
  queue: Queue,
  heard: readonly QueueFact[],
  clock: QueueClock,
  { toldOnce, redRests }: Offered,
): Queue {
  let next = queue;
  if (toldOnce === true && next.toldOnce !== true && asksForToldOnce(next, heard) && patched('told-once'))
    next = { ...next, toldOnce };
  // Each version's rules stand on those of the one before.
  const isNext = redRests === true && next.redRests !== true && next.toldOnce === true;
  if (isNext && asksForRedRests(next, heard, clock) && patched('red-rests')) next = { ...next, redRests };
  return next;
}
