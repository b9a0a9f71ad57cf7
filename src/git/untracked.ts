/** What lies in a worktree that git neither has nor ignores: it goes when the worktree is reset, and is committed when it is stored. */

import { exists } from '../files/read.ts';
import type { Git } from './git.ts';
import type { WorkspacePlaces } from './places.ts';
import { placeOf, type Repository } from './repository.ts';

/** By their paths from the worktree; of a folder of which git has nothing its own alone, with a slash. */
export async function untracked(
  git: Git,
  repository: Repository,
  { worktree, index }: WorkspacePlaces,
): Promise<readonly string[]> {
  if (!(await exists(index))) return [];
  const place = { ...placeOf(repository), worktree, index };
  const { stdout } = await git.local(
    ['ls-files', '-z', '--others', '--exclude-standard', '--directory', '--no-empty-directory'],
    place,
  );
  return stdout
    .toString('utf8')
    .split('\0')
    .filter((path) => path !== '');
}
