/** The difference between two commits as people read it, from objects alone: nothing that an agent planted is run (N4). */

import type { ObjectId } from '../core/ids.ts';
import type { ChangedFile } from '../core/removed-tests.ts';
import { GitError } from './command.ts';
import type { Git } from './git.ts';
import { placeOf, type Repository } from './repository.ts';

/** More than anybody reads. */
const MAX_DIFF_BYTES = 8 * 1024 * 1024;

/**
 * A summary of the changed files, then the patch; of more than 8 MiB the summary alone, which says so. Null when one of
 * the commits is not here.
 */
export async function diffOf(git: Git, repository: Repository, base: ObjectId, head: ObjectId): Promise<string | null> {
  const diff = async (...what: string[]): Promise<string | null> => {
    const args = ['diff', '--no-ext-diff', '--no-textconv', '--no-color', '--ignore-submodules=none', ...what];
    args.push(base, head, '--');
    const { stdout, code } = await git.local(args, {
      ...placeOf(repository),
      accept: [128],
      maxOutputBytes: MAX_DIFF_BYTES,
    });
    return code === 0 ? stdout.toString('utf8') : null;
  };
  try {
    return await diff('--stat', '--patch');
  } catch (error) {
    if (!(error instanceof GitError) || error.reason !== 'too-much-output') throw error;
    const summary = await diff('--stat=200', '--stat-count=1000');
    return summary === null ? null : `${summary}\n[the patch has more than 8 MiB]\n`;
  }
}

/** The files that differ, each by its path as UTF-8 and the ids of what it is in both; a rename is both of its names. */
export async function changedFiles(
  git: Git,
  repository: Repository,
  base: ObjectId,
  head: ObjectId,
): Promise<readonly ChangedFile[]> {
  const args = ['diff-tree', '-r', '-z', '--raw', '--no-renames', '--no-abbrev', base, head];
  const { stdout } = await git.local(args, placeOf(repository));
  const fields = stdout.toString('utf8').split('\0');
  const files: ChangedFile[] = [];
  // `:<mode> <mode> <id> <id> <letter>`, then the path.
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [, , was = '', id = ''] = fields[at]?.split(' ') ?? [];
    files.push({ path: fields[at + 1] ?? '', was, id });
  }
  return files;
}
