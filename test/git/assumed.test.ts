/** Files that an agent has told its own git not to look at. */

import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mayHide } from '../../src/git/assumed.ts';
import { bareOrigin, commitFiles, git, newRoom, prepared, stored, write } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const FILES = { 'a.txt': 'a\n', 'odd "name\n': 'b\n', 'c/d.txt': 'd\n' };

describe('an index that assumes files to be unchanged', () => {
  it.each([2, 4])('hides nothing of what is stored, in version %i', async (version) => {
    const { target, origin } = await bareOrigin(FILES);
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const { worktree } = workspace;
    await git(worktree, 'update-index', '--index-version', String(version));
    await git(worktree, 'update-index', '--assume-unchanged', ...Object.keys(FILES));
    await write(worktree, { 'a.txt': 'changed\n', 'odd "name\n': 'changed\n' });
    expect(await git(worktree, 'status', '--porcelain')).toBe('');
    const { head } = await stored(room, target, workspace);
    expect(await git(origin, 'show', `${head}:a.txt`)).toBe('changed');
    expect(await git(origin, 'show', `${head}:odd "name\n`)).toBe('changed');
  });

  it('loses nothing of what a sparse checkout leaves out', async () => {
    const { target, origin } = await bareOrigin(FILES);
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await git(workspace.worktree, 'update-index', '--skip-worktree', 'c/d.txt');
    await git(workspace.worktree, 'update-index', '--assume-unchanged', 'a.txt');
    await write(workspace.worktree, { 'a.txt': 'changed\n' });
    const { head } = await stored(room, target, workspace);
    expect(await git(origin, 'show', `${head}:a.txt`)).toBe('changed');
    expect(await git(origin, 'show', `${head}:c/d.txt`)).toBe('d');
  });

  it('deletes nothing of what a sparse checkout leaves out, and loses nothing of what was changed there', async () => {
    const { target, origin } = await bareOrigin({ ...FILES, 'c/e.txt': 'e\n', 'f/g.txt': 'g\n' });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await git(workspace.worktree, 'sparse-checkout', 'set', 'f');
    await write(workspace.worktree, { 'c/d.txt': 'changed\n' });
    const { head } = await stored(room, target, workspace);
    expect(await git(origin, 'show', `${head}:c/d.txt`)).toBe('changed');
    expect(await git(origin, 'diff', '--name-only', 'main', head)).toBe('c/d.txt');
  });

  it.each(['sha1', 'sha256'] as const)('is told from others without git, with %s', async (algorithm) => {
    const folder = await tempFolder();
    await git(folder, 'init', '-q', `--object-format=${algorithm}`);
    await commitFiles(folder, FILES, 'first');
    const hides = (): boolean => mayHide(readFileSync(join(folder, '.git/index')), algorithm);
    expect(hides()).toBe(false);
    await git(folder, 'update-index', '--skip-worktree', 'odd "name\n');
    expect(hides()).toBe(true);
    await git(folder, 'update-index', '--no-skip-worktree', 'odd "name\n');
    await git(folder, 'add', '--intent-to-add', await write(folder, { new: '' }).then(() => 'new'));
    expect(hides()).toBe(false);
    await git(folder, 'update-index', '--assume-unchanged', 'odd "name\n');
    expect(hides()).toBe(true);
  });

  it('is suspected of what is no index', () => {
    expect(mayHide(Buffer.from('nothing'), 'sha1')).toBe(true);
    expect(mayHide(Buffer.from('DIRC\0\0\0\u0002\0\0\0\u0001', 'latin1'), 'sha1')).toBe(true);
  });
});
