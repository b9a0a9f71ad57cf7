/** Heartbeats by a timer, so that an agent that says nothing is not taken for a dead worker; with what it is at, if it says. */

import { Context } from '@temporalio/activity';
import type { Progress } from '../core/progress.ts';
import { messageOf } from '../core/thrown.ts';

type ReadProgress = () => Progress | null;

/** Of each activity that runs: what tells how far it is. */
const told = new WeakMap<Context, ReadProgress>();

/** Runs a body with a heartbeat at every interval; the signal fires when the activity is to stop. */
export async function withHeartbeat<T>(intervalMs: number, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => {
    const progress = told.get(context)?.() ?? null;
    if (progress === null) context.heartbeat();
    else context.heartbeat(progress);
  }, intervalMs);
  try {
    return await body(context.cancellationSignal);
  } finally {
    clearInterval(timer);
    told.delete(context);
  }
}

/** From now on the heartbeats of this activity say what this reads, when they are sent. It must hold no secret (N10). */
export function tellProgress(read: ReadProgress): void {
  told.set(Context.current(), read);
}

export type StopReason = 'none' | 'canceled' | 'drained' | 'superseded';

/** Why an activity's signal fired. */
export function stopReasonOf(signal: AbortSignal): StopReason {
  if (!signal.aborted) return 'none';
  const text = messageOf(signal.reason);
  if (text.includes('WORKER_SHUTDOWN')) return 'drained';
  return text.includes('CANCELLED') ? 'canceled' : 'superseded';
}
