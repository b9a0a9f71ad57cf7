/**
 * Whether a queue has to say which rules it goes by. A run that is offered newer ones goes by those of before until it makes a
 * difference: then its history is asked, which a worker of an older version does not do (docs/adr/0028-one-turn-at-a-time.md).
 */

import type { Entry, Queue, QueueFact } from './queue.ts';

/** Whether the rules of `toldOnce` could decide otherwise than the older ones: something stands still, or has just begun or ended to. */
export function asksForToldOnce({ halt, redMain, chain }: Queue, heard: readonly QueueFact[]): boolean {
  return halt !== null || redMain !== null || chain.some(isHeldUp) || heard.some(holdsUp);
}

function isHeldUp({ holds, heldText, doubt }: Entry): boolean {
  return holds > 0 || heldText !== null || doubt !== 'none';
}

function holdsUp(fact: QueueFact): boolean {
  if (fact.kind === 'built') return fact.answer.result.kind === 'held';
  if (fact.kind === 'pushed') return fact.result.kind === 'held';
  return fact.kind === 'control' || (fact.kind === 'details' && !fact.isWhole);
}
