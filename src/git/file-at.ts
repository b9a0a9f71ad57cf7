/** A file as it stands in a commit of a project. */

import type { ObjectId } from '../core/ids.ts';
import { shownOrigin } from '../core/origin-url.ts';
import type { Target } from '../core/queue-types.ts';
import { isNoSpace } from '../files/errors.ts';
import { GitError } from './command.ts';
import type { Git } from './git.ts';
import { readObjects, type FoundObject } from './merge.ts';
import { fetchRefs, isAbsentRef, missingBranch, noSpace, problemOf } from './origin.ts';
import { isAway } from './outage.ts';
import { placeOf, type Repositories, type Repository } from './repository.ts';
import type { FileAt } from './types.ts';

/** Of a commit; the latter by servers that give none but those that branches are at. */
const NOT_THERE = /not our ref|unadvertised object/;
const MAX_BYTES = 1024 * 1024;
/** Of the commit's topmost folder, which is read beside it. */
const MAX_TREE_BYTES = 256 * 1024;

export async function readFileAt(
  git: Git,
  repositories: Repositories,
  target: Target,
  commit: ObjectId,
  path: string,
): Promise<FileAt> {
  try {
    const opened = await repositories.openMirror(target);
    if (opened.kind === 'failed') return opened;
    const { repository } = opened;
    if (path.includes('\n')) return { kind: 'file', text: null };
    const found = await findFile(git, repositories, repository, commit, path);
    if (found === 'no-commit') {
      repositories.suspect(repository, `${commit} cannot be read`);
      return {
        kind: 'failed',
        // No try brings it back.
        failure: 'bad-configuration',
        message: `${path} of commit ${commit} cannot be read: no branch of ${shownOrigin(target.origin)} has that commit, as after a forced push`,
        next: 'push it there again, to any branch, then tasks retry; or submit the task anew',
      };
    }
    if (found?.type !== 'blob') return { kind: 'file', text: null };
    return found.content.length > MAX_BYTES
      ? { kind: 'too-large' }
      : { kind: 'file', text: found.content.toString('utf8') };
  } catch (error) {
    if (error instanceof GitError && error.reason === 'too-much-output') return { kind: 'too-large' };
    const problem = isNoSpace(error)
      ? noSpace()
      : isAbsentRef(error)
        ? missingBranch(target.origin, target.branch)
        : problemOf(error, target.origin);
    if (problem === null) throw error;
    return { kind: 'failed', ...problem, ...((await isAway(repositories, target, error)) ? { isAway: true } : {}) };
  }
}

async function findFile(
  git: Git,
  repositories: Repositories,
  repository: Repository,
  commit: ObjectId,
  path: string,
): Promise<FoundObject | 'no-commit' | null> {
  const read = async (): Promise<FoundObject | 'no-commit' | null> => {
    const names = [`${commit}^{tree}`, `${commit}:${path}`];
    const [tree, file] = await readObjects(git, repository, names, MAX_BYTES + MAX_TREE_BYTES);
    return tree === null ? 'no-commit' : (file ?? null);
  };
  let found = await read();
  if (found !== 'no-commit') return found;
  await repositories.fetchBranch(repository);
  found = await read();
  if (found !== 'no-commit') return found;
  // The branch may have been rewritten since: the origin may still have the commit.
  try {
    const { origin } = repository.origin;
    await repositories.exclusively(repository, () => fetchRefs(git, placeOf(repository), origin, [commit]));
  } catch (error) {
    if (error instanceof GitError && NOT_THERE.test(error.stderr)) return 'no-commit';
    throw error;
  }
  return read();
}
