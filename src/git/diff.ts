/** The difference between two commits as people read it, from objects alone: nothing that an agent planted is run (N4). */

import type { ObjectId } from '../core/ids.ts';
import type { Git } from './git.ts';
import { placeOf, type Repository } from './repository.ts';

/** More than anybody reads; the rest is cut off by the caller. */
const MAX_DIFF_BYTES = 8 * 1024 * 1024;

/** A summary of the changed files, then the patch; null when one of the commits is not here, or there is more than 8 MiB. */
export async function diffOf(git: Git, repository: Repository, base: ObjectId, head: ObjectId): Promise<string | null> {
  const args = ['diff', '--no-ext-diff', '--no-textconv', '--no-color', '--stat', '--patch', base, head, '--'];
  try {
    const { stdout, code } = await git.local(args, {
      ...placeOf(repository),
      accept: [128],
      maxOutputBytes: MAX_DIFF_BYTES,
    });
    return code === 0 ? stdout.toString('utf8') : null;
  } catch {
    // Too much to hold: the summary of the phase stands for it.
    return null;
  }
}
