/** When a view that is drawn again and again looks anew. */

import { setTimeout as pause } from 'node:timers/promises';

const EVERY_MS = 1_000;
/** Looking may take a sixth of the time at the most: the ledger of very many tasks has others to serve, too. */
const SPARE = 5;

/** Resolves when it is time for the next look, by when the last one began; at once when the signal fires. */
export async function nextLook(begunMs: number, signal: AbortSignal): Promise<void> {
  const tookMs = performance.now() - begunMs;
  await pause(Math.max(EVERY_MS, SPARE * tookMs), undefined, { signal }).catch(() => undefined);
}
