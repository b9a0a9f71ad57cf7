/**
 * What waits for an origin that is away, as in an outage, or on a laptop that has lost its network: an attempt that begins, and
 * what an agent left.
 *
 * Kept true: an origin that comes back in time costs a delay, and neither a try nor the agent's work (N1). What an agent left is
 * waited for in the attempt, since the next one would begin from what was stored before. So is a beginning, though its slot waits
 * with it: for as long as an origin is missed, not once for each attempt, so that one outage keeps others from their slots for
 * half an hour at the most. To wait in the workflow, without a slot, would take a failure that is not tried again but waited out:
 * workers of the version before would judge it otherwise (N11).
 */

import { setTimeout as pause } from 'node:timers/promises';
import { progressOf } from '../core/progress.ts';
import { AWAY_BACKOFF, backoffMs } from '../core/retry.ts';
import type { TaskSpec } from '../core/task-types.ts';
import type { StoreRequest, StoreResult } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';
import { tellProgress } from './heartbeat.ts';

type Needs = Pick<Dependencies, 'git' | 'limits' | 'log'>;

/** The last try's result, when the origin does not come back in time or the attempt is to stop. */
export async function storeWhenReached(deps: Needs, request: StoreRequest, signal: AbortSignal): Promise<StoreResult> {
  const untilMs = performance.now() + deps.limits.awayMs;
  return whenReached(deps, signal, {
    attempt: () => deps.git.storeWorkspace(request),
    whyAway: (stored) => (stored.kind === 'failed' && stored.failure === 'origin-unreachable' ? stored.message : null),
    isOver: () => performance.now() >= untilMs,
    task: request.workspace.taskId,
    log: 'what an agent left waits to be stored: the origin is away',
    progress: 'what the agent left is stored once the origin is back',
  });
}

/** What an attempt begins with, by what it says when the origin is away; the same. */
export async function beginWhenReached<T>(
  deps: Needs & { readonly missed: MissedOrigins },
  { id, origin }: Pick<TaskSpec, 'id' | 'origin'>,
  signal: AbortSignal,
  { attempt, whyAway }: Pick<Waiting<T>, 'attempt' | 'whyAway'>,
): Promise<T> {
  return whenReached(deps, signal, {
    attempt,
    whyAway,
    isOver: () => deps.missed.forMs(origin) >= deps.limits.awayMs,
    task: id,
    log: 'an attempt waits to begin: the origin is away',
    progress: 'it begins once the origin is back',
  });
}

/** Who waits asks more often than that: after it, it is another outage. */
const APART_MS = 5 * 60_000;

/** The origins that this worker could not reach for a beginning. */
export class MissedOrigins {
  readonly #missed = new Map<string, { readonly sinceMs: number; readonly lastMs: number }>();

  /** Notes that an origin was not reached just now. @returns for how long it was not, in milliseconds */
  forMs(origin: string): number {
    const nowMs = performance.now();
    const before = this.#missed.get(origin);
    const sinceMs = before === undefined || nowMs - before.lastMs > APART_MS ? nowMs : before.sinceMs;
    this.#missed.set(origin, { sinceMs, lastMs: nowMs });
    return nowMs - sinceMs;
  }
}

interface Waiting<T> {
  readonly attempt: () => Promise<T>;
  /** Null: whatever came of it, the origin is not away. */
  readonly whyAway: (result: T) => string | null;
  /** Asked after each try that did not reach it. */
  readonly isOver: () => boolean;
  readonly task: string;
  readonly log: string;
  readonly progress: string;
}

async function whenReached<T>(
  { log }: Needs,
  signal: AbortSignal,
  { attempt, whyAway, isOver, ...told }: Waiting<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    const result = await attempt();
    const why = whyAway(result);
    if (why === null && tries > 1) tellProgress(() => null);
    if (why === null || isOver() || signal.aborted) return result;
    if (tries === 1) {
      log(told.log, { task: told.task, reason: why });
      tellProgress(() => progressOf(`${told.progress}: ${why}`));
    }
    await pause(backoffMs(AWAY_BACKOFF, tries, Math.random()), undefined, { signal }).catch(() => undefined);
    // Another try could take minutes.
    if (signal.aborted) return result;
  }
}
