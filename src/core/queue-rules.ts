/**
 * Whether a queue has to say which rules it goes by. A run that is offered newer ones goes by those of before until it makes a
 * difference: then its history is asked, which a worker of an older version does not do (docs/adr/0028-one-turn-at-a-time.md).
 */

import { isRedAtRest } from './queue-main.ts';
import { reconcile, type Entry, type Queue, type QueueClock, type QueueFact } from './queue.ts';

/** Whether the rules of `toldOnce` could decide otherwise than the older ones: something stands still, or has just begun or ended to. */
export function asksForToldOnce({ halt, redMain, chain }: Queue, heard: readonly QueueFact[]): boolean {
  return halt !== null || redMain !== null || chain.some(isHeldUp) || heard.some(holdsUp);
}

/**
 * Whether the rules of `redRests` could decide otherwise than the older ones: main is red, and nothing waits; a task does not answer;
 * one is asked back while main is not what was tested. That is hardly ever so, and any other queue can be taken over by a worker of the
 * version before.
 */
export function asksForRedRests(queue: Queue, heard: readonly QueueFact[], clock: QueueClock): boolean {
  if (heard.some((fact) => isSilence(fact) || (fact.kind === 'withdraw' && queue.halt?.kind === 'mismatch')))
    return true;
  if (queue.redMain === null && queue.mainRun === null) return false;
  return isRedAtRest(reconcile({ ...queue, redRests: true }, heard, clock).queue);
}

function isHeldUp({ holds, heldText, doubt }: Entry): boolean {
  return holds > 0 || heldText !== null || doubt !== 'none';
}

function holdsUp(fact: QueueFact): boolean {
  if (fact.kind === 'built') return fact.answer.result.kind === 'held';
  if (fact.kind === 'pushed') return fact.result.kind === 'held';
  return fact.kind === 'control' || isSilence(fact);
}

function isSilence(fact: QueueFact): boolean {
  return fact.kind === 'details' && !fact.isWhole;
}
