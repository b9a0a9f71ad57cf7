/** A stack that still runs what was built before, as after a `git pull` and a new build. Pure. */

import type { StackState } from '../../local/stack-record.ts';

/** Nothing of a task is lost by it. */
export const OTHER_BUILD_FIX = 'tasks down, then tasks up --detach: what tasks have done is stored, and they go on';

/** One line when what runs is of another build than this command; null when not, or when this command knows of no build of its own. */
export function otherBuildLine(own: string | null, { record, states }: StackState): string | null {
  if (own === null) return null;
  const { builds } = record;
  if (states.worker === 'alive' && builds.worker !== own) {
    return `the worker that runs is of ${named(builds.worker)}, this command of build ${own}`;
  }
  // A worker that is started again is of what lies on the disk then.
  if (states.supervisor !== 'alive' || builds.supervisor === own) return null;
  return `the stack was started by ${named(builds.supervisor)}, this command is of build ${own}`;
}

/** The record of a version that notes no builds has none. */
function named(build: string | null): string {
  return build === null ? 'an older build' : `build ${build}`;
}
