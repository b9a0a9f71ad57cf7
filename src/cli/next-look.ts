/** When what is looked at again and again is looked at anew. */

import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 1_000;
/** Looking may take a sixth of the time at the most: the ledger of very many tasks has others to serve, too. */
const SPARE = 5;

/** How long it is from the end of a look until the next one, in milliseconds, by how long that look took. */
export function restAfter(tookMs: number, everyMs = EVERY_MS): number {
  return Math.max(everyMs, SPARE * tookMs);
}

/** Resolves when it is time for the next look; at once when the signal fires. */
export async function nextLook(tookMs: number, signal: AbortSignal, everyMs?: number): Promise<void> {
  await pause(restAfter(tookMs, everyMs), undefined, { signal }).catch(() => undefined);
}
