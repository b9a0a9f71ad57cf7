/** What a person has in a checkout of the origin's branch, looked at without landing anything there. */

import type { Candidate, Target } from '../core/queue-types.ts';
import { findCheckout } from './checked-out.ts';
import { inspectCheckout } from './checkout-state.ts';
import { GitError } from './command.ts';
import type { LandingDeps } from './landing-parts.ts';

/** Why the candidate cannot be put there, in the words in which a landing would say it; null when only a landing can tell. */
export async function whyCheckoutHolds(
  { git, repositories }: Pick<LandingDeps, 'git' | 'repositories'>,
  target: Target,
  candidate: Candidate,
): Promise<string | null> {
  try {
    const opened = await repositories.openLanding(target);
    if (opened.kind === 'failed') return null;
    const { repository } = opened;
    const checkout = await findCheckout(git, repository.origin.origin, repository.origin.branch);
    if (checkout === null) return null;
    const state = await inspectCheckout(git, repository, checkout, candidate);
    return state.kind === 'dirty' ? state.text : null;
  } catch (error) {
    if (error instanceof GitError) return null;
    throw error;
  }
}
