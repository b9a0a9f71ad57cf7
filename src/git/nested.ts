/**
 * Repositories below a worktree that git never comes to look at: they lie in folders that git ignores (packages that a
 * set-up cloned), and nothing of them is in an index or a commit. All others are refused: git would run what they
 * configure (N4).
 *
 * Only commands that read are used here: the rules of `.gitignore`, the names in an index and in a tree.
 */

import type { ObjectId } from '../core/ids.ts';
import { exists } from '../files/read.ts';
import { GitError } from './command.ts';
import { foldersAbove } from './folders-above.ts';
import type { Git } from './git.ts';
import { placeOf, type Repository } from './repository.ts';

const MAX_NAMED = 1_000;

/** The first of the folders that git would look into, as bytes in Latin-1; null when it would into none. */
export async function firstInReach(
  git: Git,
  repository: Repository,
  place: { readonly worktree: string; readonly agentIndex: string },
  head: ObjectId,
  folders: readonly Buffer[],
): Promise<Buffer | null> {
  const [first] = folders;
  if (first === undefined) return null;
  if (folders.length > MAX_NAMED || folders.some((folder) => folder.length === 0)) return first;
  try {
    const { worktree, agentIndex } = place;
    const at = { ...placeOf(repository), worktree };
    const [ignored, indexed, committed] = await Promise.all([
      git.local(['check-ignore', '--no-index', '-z', '--stdin'], {
        ...at,
        index: `${agentIndex}.none`,
        input: Buffer.concat(folders.flatMap((folder) => [folder, NUL])),
        accept: [1],
      }),
      (await exists(agentIndex)) ? git.local(['ls-files', '-z'], { ...at, index: agentIndex }) : null,
      git.local(['ls-tree', '-r', '-z', '--name-only', '--full-tree', head], at),
    ]);
    const left = new Set(namesOf(ignored.stdout));
    const listed = [...namesOf(indexed?.stdout ?? Buffer.alloc(0)), ...namesOf(committed.stdout)];
    // Git may take names of another case for the same, as the file system does.
    const known = new Set(listed.map((path) => path.toLowerCase()));
    const above = foldersAbove(known);
    const inReach = (folder: Buffer): boolean => {
      const name = folder.toString('latin1');
      const like = name.toLowerCase();
      return !left.has(name) || above.has(like) || [like, ...foldersAbove([like])].some((path) => known.has(path));
    };
    return folders.find(inReach) ?? null;
  } catch (error) {
    // An index or a commit that cannot be read tells nothing in their favour.
    if (error instanceof GitError && error.reason !== 'broken') return first;
    throw error;
  }
}

const NUL = Buffer.from([0]);

function namesOf(stdout: Buffer): readonly string[] {
  return stdout
    .toString('latin1')
    .split('\0')
    .filter((name) => name !== '');
}
