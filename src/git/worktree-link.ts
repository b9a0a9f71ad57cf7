/** What makes a folder a linked worktree of a mirror, written without git, over whatever a killed or hostile process left. */

import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { reopen } from '../files/closed.ts';
import { below } from '../files/held-folder.ts';
import { removeAny } from '../files/remove.ts';
import { makeFolder, replaceAny } from '../files/write.ts';
import { copyIndex } from './index-file.ts';
import { gitFileContent } from './places.ts';

/** What the engine writes there itself. */
const OWN: ReadonlySet<string> = new Set(['HEAD', 'commondir', 'gitdir', 'index']);

/** Writes what makes a folder a linked worktree, and takes away all else that any process has left of it. */
export async function writeWorktreeLink(admin: string, worktree: string, head: string): Promise<void> {
  makeFolder(admin);
  reopen(admin);
  // By the bytes of their names: one that is no UTF-8 must not keep what it has.
  for (const name of readdirSync(admin, { encoding: 'buffer' })) {
    if (!OWN.has(name.toString('latin1'))) await removeAny(below(admin, name.toString('latin1')));
  }
  await replaceAny(join(admin, 'commondir'), '../..\n');
  await replaceAny(join(admin, 'gitdir'), `${join(worktree, '.git')}\n`);
  await replaceAny(join(admin, 'HEAD'), head);
  await removeAny(join(worktree, '.git'));
  writeFileSync(join(worktree, '.git'), gitFileContent(admin), { flag: 'wx', mode: 0o644 });
}

/** Gives the worktree the engine's index as its own. */
export async function installIndex(index: string, admin: string): Promise<void> {
  reopen(admin);
  await removeAny(join(admin, 'index.lock'));
  await copyIndex(index, join(admin, 'index'));
}
