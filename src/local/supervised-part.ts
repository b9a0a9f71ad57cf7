/**
 * One part of the stack, kept running: started, watched, and started again after a back-off when it has died. Keeps
 * true: at most one process of the part at a time, and none once `stop` has returned.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { partFailure } from './part-failure.ts';
import type { DetachedProcess } from './processes.ts';
import { messageOf } from '../core/thrown.ts';
import type { LocalFailure } from './report.ts';

export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
  /** After so long in health the next death begins with `firstMs` again. */
  readonly healthyMs: number;
}

export const RESTART_BACKOFF: Backoff = { firstMs: 200, capMs: 10_000, healthyMs: 60_000 };

/** The wait before the n-th start in a row, counted from 1. Pure. */
function restartDelayMs(backoff: Backoff, restarts: number): number {
  return Math.min(backoff.capMs, backoff.firstMs * 2 ** Math.min(20, Math.max(0, restarts - 1)));
}

export type StartedPart =
  | { readonly kind: 'running'; readonly process: DetachedProcess; stop(): Promise<void> }
  | { readonly kind: 'failed'; readonly failure: LocalFailure };

export interface PartEvents {
  running(pid: number, afterMs: number): Promise<void>;
  failed(failure: LocalFailure): void;
  died(how: string): Promise<void>;
  restarting(inMs: number, restarts: number): void;
}

export interface SupervisedPart {
  /** The failure of the first start, or null; from then on the part is kept up until `stop`. */
  readonly first: Promise<LocalFailure | null>;
  stop(): Promise<void>;
}

/** Keeps a part running. `start` is given a signal that calls a start off. */
export function supervisePart(
  start: (signal: AbortSignal) => Promise<StartedPart>,
  events: PartEvents,
  backoff: Backoff,
): SupervisedPart {
  const over = new AbortController();
  const startSafely = (signal: AbortSignal): Promise<StartedPart> => start(signal).catch(asFailure);
  let loop: Promise<void> = Promise.resolve();
  const first = new Promise<LocalFailure | null>((resolve) => {
    loop = keepRunning(startSafely, events, backoff, over.signal, resolve);
    // Only an event's receiver can throw here: `stop` hands that on, and nobody waits for a first start in vain.
    loop.catch(() => resolve(null));
  });
  return {
    first,
    stop: async () => {
      over.abort();
      await loop;
    },
  };
}

/** What a start throws, such as a full disk, may pass: it is a failure like others. */
export function asFailure(error: unknown): StartedPart {
  const next = 'see the message; tasks doctor looks at the whole machine';
  return partFailure({ kind: 'engine-error', message: messageOf(error), next });
}

async function keepRunning(
  start: (signal: AbortSignal) => Promise<StartedPart>,
  events: PartEvents,
  backoff: Backoff,
  over: AbortSignal,
  settleFirst: (failure: LocalFailure | null) => void,
): Promise<void> {
  let restarts = 0;
  let isFirst = true;
  while (!over.aborted) {
    const startedAtMs = performance.now();
    const part = await start(over);
    if (part.kind === 'failed') {
      if (over.aborted) break;
      events.failed(part.failure);
      settleFirst(part.failure);
      if (isFirst) return;
    } else {
      const runningAtMs = performance.now();
      const how = await watch(part, over, async () => {
        await events.running(part.process.pid, Math.round(runningAtMs - startedAtMs));
        settleFirst(null);
      });
      if (how === null) break;
      isFirst = false;
      await events.died(how);
      if (performance.now() - runningAtMs >= backoff.healthyMs) restarts = 0;
    }
    restarts += 1;
    const delayMs = restartDelayMs(backoff, restarts);
    events.restarting(delayMs, restarts);
    await pause(delayMs, undefined, { signal: over }).catch(() => undefined);
  }
  settleFirst(null);
}

/** How a running part ended by itself; null when it was stopped. */
async function watch(
  part: Extract<StartedPart, { kind: 'running' }>,
  over: AbortSignal,
  announce: () => Promise<void>,
): Promise<string | null> {
  const settled = new AbortController();
  const stopped = new Promise<null>((resolve) => {
    over.addEventListener('abort', () => resolve(null), { once: true, signal: settled.signal });
  });
  try {
    await announce();
    const how = over.aborted ? null : await Promise.race([part.process.ended.then(({ text }) => text), stopped]);
    if (how === null) await part.stop();
    return how;
  } finally {
    settled.abort();
  }
}
