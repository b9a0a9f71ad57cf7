/** Heartbeats by a timer, so that an agent that says nothing is not taken for a dead worker. */

import { Context } from '@temporalio/activity';
import { messageOf } from '../core/thrown.ts';

/** Runs a body with a heartbeat at every interval; the signal fires when the activity is to stop. */
export async function withHeartbeat<T>(intervalMs: number, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), intervalMs);
  try {
    return await body(context.cancellationSignal);
  } finally {
    clearInterval(timer);
  }
}

export type StopReason = 'none' | 'canceled' | 'drained' | 'superseded';

/** Why an activity's signal fired. */
export function stopReasonOf(signal: AbortSignal): StopReason {
  if (!signal.aborted) return 'none';
  const text = messageOf(signal.reason);
  if (text.includes('WORKER_SHUTDOWN')) return 'drained';
  return text.includes('CANCELLED') ? 'canceled' : 'superseded';
}
