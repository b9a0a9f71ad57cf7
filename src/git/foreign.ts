/**
 * Removes from a worktree whatever its index does not name. Git's own status and clean pass over much of it: pipes and sockets,
 * empty folders, what lies in a submodule's folder, and everything called `.git`. The next run would find it.
 *
 * Nothing of the worktree is at work meanwhile.
 */

import { below } from '../files/held-folder.ts';
import { removeFrom } from '../files/remove-from.ts';
import type { DeskPlace } from './desk.ts';
import { foldersAbove } from './folders-above.ts';
import type { Git } from './git.ts';

const GITLINK = '160000';

interface Named {
  readonly files: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
}

export async function removeForeign(git: Git, place: DeskPlace): Promise<void> {
  const { stdout } = await git.local(['ls-files', '-s', '-z'], place);
  await clear(place.worktree, '', namedIn(stdout.toString('latin1')));
}

/** Paths are bytes in Latin-1. */
function namedIn(listed: string): Named {
  const files = new Set<string>();
  const submodules = new Set<string>();
  for (const line of listed.split('\0')) {
    const path = line.slice(line.indexOf('\t') + 1);
    if (path === '') continue;
    if (line.startsWith(GITLINK)) submodules.add(path);
    else files.add(path);
  }
  return { files, folders: new Set([...submodules, ...foldersAbove(files), ...foldersAbove(submodules)]) };
}

async function clear(worktree: string, folder: string, named: Named): Promise<void> {
  const kept = new Set<string>();
  await removeFrom(below(worktree, folder), ({ name, kind }) => {
    const path = `${folder}${name.toString('latin1')}`;
    // By which the worktree belongs to its repository.
    if (path === '.git') return false;
    if (kind === 'folder' && named.folders.has(path)) kept.add(path);
    else return !((kind === 'file' || kind === 'link') && named.files.has(path));
    return false;
  });
  for (const path of kept) await clear(worktree, `${path}/`, named);
}
