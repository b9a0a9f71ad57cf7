/** What a queue answers to an operator's word: by all that it has heard before, though that may wait for a short activity. */

import { patched } from '@temporalio/workflow';
import { refusalAfter, refusalOf, type Control, type Queue, type QueueClock, type QueueFact } from '../core/queue.ts';

/** Why it changes nothing; null when it does. */
export function refusalInTurn(
  queue: Queue,
  heard: readonly QueueFact[],
  control: Control,
  clock: QueueClock,
): string | null {
  const refusal = refusalAfter(queue, heard, control, clock);
  const before = refusalOf(queue, control);
  // An older history has its answers by what was carried out.
  const isOther = (refusal === null) !== (before === null);
  return isOther && !patched('controls-in-turn') ? before : refusal;
}
