/** What makes a folder a linked worktree of a mirror, written without git, over whatever a killed or hostile process left. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeAny } from '../files/remove.ts';
import { makeFolder, replaceAny } from '../files/write.ts';
import { copyIndex } from './index-file.ts';
import { gitFileContent } from './places.ts';

/** Writes what makes a folder a linked worktree, and takes away what a killed or hostile process left of it. */
export async function writeWorktreeLink(admin: string, worktree: string, head: string): Promise<void> {
  makeFolder(admin);
  const leftovers = [
    'index.lock',
    'HEAD.lock',
    'locked',
    'config.worktree',
    'MERGE_HEAD',
    'CHERRY_PICK_HEAD',
    'REVERT_HEAD',
    'rebase-merge',
    'rebase-apply',
    'info',
    'hooks',
  ];
  await Promise.all(leftovers.map((name) => removeAny(join(admin, name))));
  await replaceAny(join(admin, 'commondir'), '../..\n');
  await replaceAny(join(admin, 'gitdir'), `${join(worktree, '.git')}\n`);
  await replaceAny(join(admin, 'HEAD'), head);
  await removeAny(join(worktree, '.git'));
  writeFileSync(join(worktree, '.git'), gitFileContent(admin), { flag: 'wx', mode: 0o644 });
}

/** Gives the worktree the engine's index as its own. */
export async function installIndex(index: string, admin: string): Promise<void> {
  await removeAny(join(admin, 'index.lock'));
  await copyIndex(index, join(admin, 'index'));
}
