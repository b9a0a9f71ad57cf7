/** When to try again. Randomness and the clock are inputs. */

export interface BackoffPolicy {
  readonly firstMs: number;
  readonly factor: number;
  readonly capMs: number;
}

export const PHASE_BACKOFF: BackoffPolicy = { firstMs: 1_000, factor: 2, capMs: 60_000 };
export const HOLD_BACKOFF: BackoffPolicy = { firstMs: 1_000, factor: 1.5, capMs: 15_000 };
export const AWAY_BACKOFF: BackoffPolicy = { firstMs: 1_000, factor: 2, capMs: 30_000 };
export const RECORD_BACKOFF: BackoffPolicy = { firstMs: 1_000, factor: 2, capMs: 60_000 };

/**
 * Milliseconds before the next try: exponential, capped, and spread over the upper half so that many that failed
 * together do not return together.
 *
 * @param tries how many tries there were, 1 after the first
 * @param random a number in [0, 1)
 */
export function backoffMs(policy: BackoffPolicy, tries: number, random: number): number {
  const full = Math.min(policy.capMs, policy.firstMs * policy.factor ** Math.max(0, tries - 1));
  return Math.round(full / 2 + (full / 2) * random);
}
