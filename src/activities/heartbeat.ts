/** Heartbeats by a timer, so that an agent that says nothing is not taken for a dead worker; with what it is at, if it says. */

import type { Client } from '@temporalio/client';
import { Context } from '@temporalio/activity';
import { nextBeatMs } from '../core/gate-run.ts';
import type { Progress } from '../core/progress.ts';
import { messageOf } from '../core/thrown.ts';

const ASK_WITHIN_MS = 10_000;

type ReadProgress = () => Progress | null;

/** Of each activity that runs: what tells how far it is. */
const told = new WeakMap<Context, ReadProgress>();

/** Runs a body with a heartbeat at every interval; the signal fires when the activity is to stop. */
export async function withHeartbeat<T>(intervalMs: number, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return beating(() => intervalMs, body);
}

/** The same for what may soon be given up: the first heartbeats come quickly. */
export async function withQuickHeartbeat<T>(mostMs: number, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  return beating(() => nextBeatMs(performance.now() - startedMs, mostMs), body);
}

async function beating<T>(nextMs: () => number, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const context = Context.current();
  let timer: NodeJS.Timeout;
  const beat = (): void => {
    const progress = told.get(context)?.() ?? null;
    if (progress === null) context.heartbeat();
    else context.heartbeat(progress);
    timer = setTimeout(beat, nextMs());
  };
  timer = setTimeout(beat, nextMs());
  try {
    return await body(context.cancellationSignal);
  } finally {
    clearTimeout(timer);
    told.delete(context);
  }
}

/** As far as the clocks of well-kept machines may differ. */
const BEHIND_MS = 1_000;

/**
 * Tells how long it is since this activity was handed out: by the clock or by the processor's time, whichever has gone
 * further. A worker that stood still may begin with what was handed to it, and to others since, long ago.
 */
export function sinceHandedOut(): () => number {
  const [clock, ticks] = [Date.now(), performance.now()];
  const before = clock - Context.current().info.currentAttemptScheduledTimestampMs;
  // A clock that is behind the server's says nothing of how long it is.
  if (before < -BEHIND_MS) return () => Infinity;
  return () => Math.max(0, before) + Math.max(Date.now() - clock, performance.now() - ticks);
}

/** Well below the heartbeat's time-out: until then nobody else can have it. */
const SURE_MS = 10_000;

/** Whether the activity's answer is still wanted, as far as it takes to be sure. */
export async function stillCounts(client: Client, sinceHandedOutMs: number): Promise<boolean> {
  return sinceHandedOutMs <= SURE_MS || isAwaited(client);
}

/** Whether the workflow still waits for the activity that asks; false also when Temporal cannot be asked. */
async function isAwaited(client: Client): Promise<boolean> {
  const { activityId, workflowExecution } = Context.current().info;
  if (workflowExecution === undefined) return false;
  const { workflowId, runId } = workflowExecution;
  try {
    const asked = () => client.workflow.getHandle(workflowId, runId).describe();
    const { raw } = await client.connection.withDeadline(Date.now() + ASK_WITHIN_MS, asked);
    return raw.pendingActivities?.some((pending) => pending.activityId === activityId) === true;
  } catch {
    // Whoever cannot be reached takes no answer either.
    return false;
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
