/**
 * Storing what an agent left while its origin is away: as in an outage, or on a laptop that has lost its network.
 *
 * Kept true: an origin that comes back in time costs a delay, not the agent's work (N1). It is waited for in the attempt, since
 * the next one would begin from what was stored before.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { progressOf } from '../core/progress.ts';
import { AWAY_BACKOFF, backoffMs } from '../core/retry.ts';
import type { StoreRequest, StoreResult } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';
import { tellProgress } from './heartbeat.ts';

/** The last try's result, when the origin does not come back in time or the attempt is to stop. */
export async function storeWhenReached(
  { git, limits, log }: Pick<Dependencies, 'git' | 'limits' | 'log'>,
  request: StoreRequest,
  signal: AbortSignal,
): Promise<StoreResult> {
  const untilMs = performance.now() + limits.awayMs;
  for (let tries = 1; ; tries += 1) {
    const stored = await git.storeWorkspace(request);
    if (stored.kind === 'stored' || stored.failure !== 'origin-unreachable') return stored;
    if (signal.aborted || performance.now() >= untilMs) return stored;
    const { message } = stored;
    if (tries === 1) {
      const task = request.workspace.taskId;
      log('what an agent left waits to be stored: the origin is away', { task, reason: message });
      tellProgress(() => progressOf(`what the agent left is stored once the origin is back: ${message}`));
    }
    await pause(backoffMs(AWAY_BACKOFF, tries, Math.random()), undefined, { signal }).catch(() => undefined);
  }
}
