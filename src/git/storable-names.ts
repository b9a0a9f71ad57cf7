/** Names in commits that no file can have. */

import { quote, type ObjectId } from '../core/ids.ts';
import type { Git } from './git.ts';
import { problemOfLook } from './own-objects.ts';
import { placeOf, type Repository } from './repository.ts';

const MAX_NAME_BYTES = 255;
const MAX_PATH_BYTES = 3_000;

/** A commit can hold what no file system takes: a worktree of it could never be made, and landing would wait for ever. */
export async function findUnusableName(
  git: Git,
  repository: Repository,
  start: ObjectId,
  head: ObjectId,
): Promise<string | null> {
  try {
    const names = await git.local(['diff-tree', '-r', '-z', '--name-only', start, head], placeOf(repository));
    return findUnusable(names.stdout.toString('latin1'));
  } catch (error) {
    // Of what a confined process has committed that is known before; of others' it would be so each time.
    const tooMany = problemOfLook(error);
    if (tooMany === null) throw error;
    return tooMany.message;
  }
}

/** What is wrong with names that git has listed between NULs, as bytes in Latin-1; null: nothing. */
export function findUnusable(names: string): string | null {
  const long = names
    .split('\0')
    .find((path) => path.length > MAX_PATH_BYTES || path.split('/').some((name) => name.length > MAX_NAME_BYTES));
  return long === undefined
    ? null
    : `what was committed has a name that no file can have: ${quote(long.slice(0, 60))}…`;
}
