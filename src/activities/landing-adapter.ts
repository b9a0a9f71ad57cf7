/**
 * The ways in which a candidate becomes main's next commit. A push by compare-and-swap is the one that there is; a pull
 * request can be another.
 */

import type { Candidate, LandResult, QueueItem, Target } from '../core/queue-types.ts';
import type { GitRoom, Landed } from '../git/types.ts';

/**
 * Moves main to a candidate, and to nothing else: the commit on main has the candidate's own id (N3).
 *
 * Whoever calls may have died before, and calls again: for the same candidate at any time, and on any host. So what it
 * answers is found by looking at main, never by what it remembers (N2):
 *
 * - `landed`: the candidate is on main, by this call or by an earlier one.
 * - `moved`: main is not the candidate's first parent any more. Nothing has been changed.
 * - `held`: it is not known, or not yet so: the origin does not answer, a pull request waits for its checks. The same
 *   candidate is built and asked for again after a while.
 * - `refused`: this candidate will not be taken, whatever the branch is; its task fails with the reason.
 * - `protected`: no candidate will be taken in this way until somebody changes the branch's rules. Nothing has been
 *   changed, and the queue stops with the text, which names the refusal and the fix.
 * - `mismatch`: main is at the candidate, and its tree is not the one that was tested.
 *
 * It throws for faults of the engine or its host alone.
 */
export interface LandingAdapter {
  /** `under`: those of a batch that go along, from the first on, each on the one before; all land or none. */
  readonly land: (
    target: Target,
    item: QueueItem,
    candidate: Candidate,
    under?: readonly Landed[],
  ) => Promise<LandResult>;
}

/** One push with a lease on the candidate's first parent, which deletes the task's refs as well, all or nothing. */
export function landingByPush(git: Pick<GitRoom, 'land' | 'landTogether'>): LandingAdapter {
  return {
    land: (target, item, candidate, under = []) =>
      under.length === 0 ? git.land(target, item, candidate) : git.landTogether(target, under, { item, candidate }),
  };
}
