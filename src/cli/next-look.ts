/** When what is looked at again and again is looked at anew. */

import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 1_000;
/** Looking may take a sixth of the time at the most: the ledger of very many tasks has others to serve, too. */
const SPARE = 5;

/** Resolves when it is time for the next look, by how long the last one took; at once when the signal fires. */
export async function nextLook(tookMs: number, signal: AbortSignal, everyMs = EVERY_MS): Promise<void> {
  await pause(Math.max(everyMs, SPARE * tookMs), undefined, { signal }).catch(() => undefined);
}
