/**
 * Waiting for a condition that no event announces: bounded, and it says what it waited for. The bound is for what never
 * comes: far beyond what a busy machine needs, and well within the time-out of a test.
 */

import { setTimeout as pause } from 'node:timers/promises';

/**
 * The first value that is neither false nor null nor undefined.
 *
 * @throws after `timeoutMs`, naming what was waited for and the last error
 */
export async function eventually<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const until = Date.now() + timeoutMs;
  let last: unknown = null;
  while (Date.now() < until) {
    try {
      const value = await probe();
      if (value !== null && value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    await pause(20);
  }
  throw new Error(`waited ${timeoutMs} ms for ${what}${last instanceof Error ? `: ${last.message}` : ''}`);
}
