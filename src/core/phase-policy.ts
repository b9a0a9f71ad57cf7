/** What a project's policy comes to for one phase, and whether a failure there is tried again. */

import type { Failure } from './failure.ts';
import { PHASE_BACKOFF, type BackoffPolicy } from './retry.ts';
import type { Phase, TaskPolicy } from './task-types.ts';

export interface PolicyOfPhase {
  readonly attempts: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly backoff: BackoffPolicy;
}

/** What the phase says of itself, otherwise what holds for all. */
export function policyOf(policy: TaskPolicy, phase: Phase): PolicyOfPhase {
  const { attempts, idleTimeoutMs, totalTimeoutMs, backoff } = { ...policy, ...policy.phases?.[phase] };
  return { attempts, idleTimeoutMs, totalTimeoutMs, backoff: { ...PHASE_BACKOFF, ...backoff } };
}

/** What was tried before: how often, and what came of the last time. */
interface Tried {
  readonly tries: number;
  readonly lastFailure: Failure | null;
}

/**
 * Whether a retryable failure is tried again by itself: while there are tries left, and not a second time in a row when
 * the attempt has stalled, since what hangs with the evidence at hand will hang again.
 */
export function mayTryAgain(
  policy: TaskPolicy,
  phase: Phase,
  { tries, lastFailure }: Tried,
  failure: Failure,
): boolean {
  const stalledBefore = tries > 0 && lastFailure?.kind === 'idle-timeout';
  if (policy.retryStallsOnce === true && failure.kind === 'idle-timeout' && stalledBefore) return false;
  return tries + 1 < policyOf(policy, phase).attempts;
}
