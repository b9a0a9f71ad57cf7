/**
 * What can be told of a worktree that an agent has left without running git in it (N4): a repository below it is
 * enough to make git's own commands run the agent's program.
 */

import { join } from 'node:path';
import { createPace, lookThrough, type Pace } from '../files/list.ts';
import { readRegular } from '../files/read.ts';

const MAX_MARKED_FILE_BYTES = 64 * 1024 * 1024;

/**
 * The folders below the worktree, by their names from there, that hold something named `.git`, in any case; what lies
 * below such a folder is not looked at.
 *
 * @throws EACCES when a folder cannot be read
 */
export async function findNestedRepositories(worktree: string): Promise<readonly Buffer[]> {
  // Names are bytes: one that is no UTF-8 must not hide what lies below it.
  const root = Buffer.from(worktree);
  const found: Buffer[] = [];
  const pace = createPace();
  let level: readonly Buffer[] = [root];
  while (level.length > 0) {
    const next: Buffer[] = [];
    for (const folder of level) {
      const below = await foldersIn(folder, folder === root, pace);
      if (below === 'repository') found.push(folder.subarray(root.length + 1));
      else for (const each of below) next.push(each);
      if (pace.isDue()) await pace.turn();
    }
    level = next;
  }
  return found;
}

async function foldersIn(folder: Buffer, isRoot: boolean, pace: Pace): Promise<readonly Buffer[] | 'repository'> {
  const folders: Buffer[] = [];
  let isRepository = false;
  await lookThrough(
    folder,
    ({ name, kind }) => {
      isRepository = isGitName(name) && !(isRoot && name.equals(OWN_LINK));
      if (kind === 'folder') folders.push(Buffer.concat([folder, SLASH, name]));
      return !isRepository;
    },
    pace,
  );
  return isRepository ? 'repository' : folders;
}

const OWN_LINK = Buffer.from('.git');
const SLASH = Buffer.from('/');

function isGitName(name: Buffer): boolean {
  return name.length === 4 && name.toString('latin1').toLowerCase() === '.git';
}

/** Those of the files that still have conflict markers. */
export async function findConflictMarkers(worktree: string, files: readonly string[]): Promise<readonly string[]> {
  const marked: string[] = [];
  for (const file of files) {
    const content = await readRegular(join(worktree, file), MAX_MARKED_FILE_BYTES);
    if (content !== null && hasConflictMarkers(content.toString('latin1'))) marked.push(file);
  }
  return marked;
}

/** Either end of a conflict is one too many; what stands between the sides may as well be a heading's underline. */
function hasConflictMarkers(text: string): boolean {
  return /^(?:<{7}|>{7})(?: |\r?$)/m.test(text);
}
