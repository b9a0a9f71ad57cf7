/** Repositories below a worktree in folders that git ignores: which are left alone, and which are refused. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bareOrigin, commitFiles, git, newRoom, prepared, stored, storeRequest, write } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

describe('a repository in an ignored folder', () => {
  it('is left alone, and nothing of it runs', async () => {
    const { target, origin } = await bareOrigin({ '.gitignore': 'node_modules/\n' });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const marker = await plantRepository(join(workspace.worktree, 'node_modules/pkg'));
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    const checkpoint = await stored(room, target, workspace);
    expect(await git(origin, 'ls-tree', '-r', '--name-only', checkpoint.head)).toBe('.gitignore\nb.txt');
    const again = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(await stored(room, target, again, 2)).toEqual(checkpoint);
    expect(existsSync(join(again.worktree, 'node_modules/pkg/f'))).toBe(true);
    expect(existsSync(marker)).toBe(false);
  });

  it.each<[string, (worktree: string) => Promise<unknown>]>([
    ['is in the index all the same', (worktree) => git(worktree, 'add', '-f', 'node_modules/pkg')],
    [
      'is in a commit all the same',
      async (worktree) => {
        await git(worktree, 'add', '-f', 'node_modules/pkg');
        await git(worktree, 'commit', '-qm', 'x');
        await git(worktree, 'rm', '-q', '--cached', 'node_modules/pkg');
      },
    ],
    ['has only its contents ignored', (worktree) => write(worktree, { '.gitignore': 'node_modules/pkg/*\n' })],
    [
      'is taken out of what is ignored',
      (worktree) => write(worktree, { '.gitignore': 'node_modules/*\n!node_modules/pkg\n' }),
    ],
  ])('is refused when it %s', async (_, expose) => {
    const { target } = await bareOrigin({ '.gitignore': 'node_modules/\n' });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const marker = await plantRepository(join(workspace.worktree, 'node_modules/pkg'));
    await expose(workspace.worktree);
    await rm(marker, { force: true });
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      failure: 'nested-repository',
      message: expect.stringContaining('node_modules/pkg'),
    });
    expect(existsSync(marker)).toBe(false);
  });
});

/** A repository with a filter that leaves a mark, and a file for which it would run; where the mark would be. */
async function plantRepository(folder: string): Promise<string> {
  const marker = join(await tempFolder('marker'), 'ran');
  await mkdir(folder, { recursive: true });
  await git(folder, 'init', '-q');
  await commitFiles(folder, { '.gitattributes': '* filter=evil\n', f: 'x' });
  await git(folder, 'config', 'filter.evil.clean', `touch ${marker}; cat`);
  await git(folder, 'config', 'core.fsmonitor', `touch ${marker}`);
  await write(folder, { f: 'y' });
  await rm(marker, { force: true });
  return marker;
}
