/** The look at a small worktree without git: what it takes for unchanged, and what it leaves to git. */

import { describe, expect, it } from '@jest/globals';
import { chmod, mkdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isUnchanged, listsTheSame } from '../../src/git/unchanged.ts';
import { git, value, write } from '../support/git-rig.ts';
import { parseObjectId, type ObjectId } from '../../src/core/ids.ts';
import { tempFolder } from '../support/temp.ts';

interface Checked {
  readonly worktree: string;
  readonly index: string;
  readonly tree: ObjectId;
}

async function checkedOut(format: 'sha1' | 'sha256' = 'sha1'): Promise<Checked> {
  const worktree = join(await tempFolder('worktree'), 'w');
  await git('/', 'init', '-q', '-b', 'main', `--object-format=${format}`, worktree);
  await write(worktree, { 'a.txt': 'aaaa\n', 'deep/er/b.txt': 'b\n', '.gitignore': '*.log\n', 'empty.txt': '' });
  await symlink('a.txt', join(worktree, 'link'));
  await writeFile(join(worktree, 'run.sh'), 'true\n', { mode: 0o755 });
  await git(worktree, 'add', '-A');
  await git(worktree, 'commit', '-qm', 'first');
  await git(worktree, 'read-tree', '--reset', '-u', 'HEAD');
  const tree = value(parseObjectId(await git(worktree, 'rev-parse', 'HEAD^{tree}')));
  return { worktree, index: join(worktree, '.git/index'), tree };
}

describe('looking at a worktree without git', () => {
  it('takes one with an empty folder for changed: git says nothing of it, and whoever runs there next finds it', async () => {
    const { tree, ...place } = await checkedOut('sha1');
    await mkdir(join(place.worktree, 'empty'));
    expect(await isUnchanged({ ...place, algorithm: 'sha1' }, tree)).toBe(false);
  });

  it.each(['sha1', 'sha256'] as const)('takes a fresh one for unchanged, with %s', async (algorithm) => {
    const { tree, ...place } = await checkedOut(algorithm);
    expect(await isUnchanged({ ...place, algorithm }, tree)).toBe(true);
    expect(await isUnchanged({ ...place, algorithm }, value(parseObjectId('a'.repeat(tree.length))))).toBe(false);
  });

  it.each<[string, (worktree: string) => Promise<unknown>]>([
    [
      'another content of the same size and time',
      async (worktree) => {
        const path = join(worktree, 'a.txt');
        const { atime, mtime } = await stat(path);
        await writeFile(path, 'bbbb\n');
        await utimes(path, atime, mtime);
      },
    ],
    ['a mode', (worktree) => chmod(join(worktree, 'a.txt'), 0o755)],
    ['a file gone', (worktree) => rm(join(worktree, 'empty.txt'))],
    ['a file added', (worktree) => write(worktree, { 'deep/c.txt': '' })],
    ['an ignored file added', (worktree) => write(worktree, { 'x.log': '' })],
    ['a name of no UTF-8', (worktree) => writeFile(Buffer.concat([Buffer.from(`${worktree}/`), Buffer.of(0xff)]), '')],
    ['a file renamed', (worktree) => rename(join(worktree, 'a.txt'), join(worktree, 'A.txt'))],
    [
      'a link in place of a file',
      async (worktree) => {
        await rm(join(worktree, 'a.txt'));
        await symlink('run.sh', join(worktree, 'a.txt'));
      },
    ],
    [
      'a link to a folder with the same files',
      async (worktree) => {
        await rename(join(worktree, 'deep'), join(worktree, '.git/deep'));
        await symlink('.git/deep', join(worktree, 'deep'));
      },
    ],
    [
      'a staged change',
      async (worktree) => {
        await write(worktree, { 'a.txt': 'other\n' });
        await git(worktree, 'add', '-A');
      },
    ],
    ['an entry assumed unchanged', (worktree) => git(worktree, 'update-index', '--assume-unchanged', 'a.txt')],
    ['an entry to be skipped', (worktree) => git(worktree, 'update-index', '--skip-worktree', 'a.txt')],
    ['an index that is none', (worktree) => writeFile(join(worktree, '.git/index'), 'DIRC no index')],
    [
      'an index cut off',
      (worktree) => writeFile(join(worktree, '.git/index'), Buffer.from('DIRC\0\0\0\x02\0\0\0\x09')),
    ],
  ])('leaves %s to git', async (_, change) => {
    const { tree, ...place } = await checkedOut();
    await change(place.worktree);
    expect(await isUnchanged({ ...place, algorithm: 'sha1' }, tree)).toBe(false);
  });

  it('compares two indexes by what they list, not by when', async () => {
    const { worktree, index } = await checkedOut();
    const other = `${index}.other`;
    await git(worktree, '-c', 'core.untrackedCache=true', 'status');
    await writeFile(other, await readFile(index));
    await utimes(join(worktree, 'a.txt'), 1, 1);
    await git(worktree, 'status');
    expect((await readFile(other)).equals(await readFile(index))).toBe(false);
    expect(await listsTheSame(index, other, 'sha1')).toBe(true);
    await write(worktree, { 'x.log': 'x' });
    await git(worktree, 'add', '-f', 'x.log');
    expect(await listsTheSame(index, other, 'sha1')).toBe(false);
  });
});
