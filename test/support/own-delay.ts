/**
 * How long this thread kept its own event loop: what it worked or waited for in one go, without the time in which it was
 * ready and others had the processors. So a busy machine is not taken for a program that blocks.
 */

import { readFileSync } from 'node:fs';

const EVERY_MS = 20;
const NS_A_MS = 1_000_000;

export interface OwnDelay {
  /** The longest of all, in milliseconds. */
  stop(): number;
}

export function watchOwnDelay(): OwnDelay {
  let mostMs = 0;
  let last = look();
  const measure = (): void => {
    const now = look();
    mostMs = Math.max(mostMs, now.atMs - last.atMs - EVERY_MS - (now.waitedMs - last.waitedMs));
    last = now;
  };
  const looking = setInterval(measure, EVERY_MS);
  return {
    stop() {
      clearInterval(looking);
      measure();
      return mostMs;
    },
  };
}

/** What the kernel had this thread wait for a processor so far; nothing is known of that outside Linux. */
function look(): { readonly atMs: number; readonly waitedMs: number } {
  let waited = '0';
  try {
    [, waited = '0'] = readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ');
  } catch {
    // Then the time on the clock counts.
  }
  return { atMs: performance.now(), waitedMs: Number(waited) / NS_A_MS };
}
