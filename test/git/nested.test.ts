/** Repositories below a worktree in folders that git ignores: which are left alone, and which are refused. */

import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { firstInReach } from '../../src/git/nested.ts';
import { openGit } from '../../src/git/open-git.ts';
import {
  bareOrigin,
  branch,
  commitFiles,
  git,
  head,
  newRoom,
  prepared,
  project,
  stored,
  storeRequest,
  write,
} from '../support/git-rig.ts';
import { watchOwnDelay } from '../support/own-delay.ts';
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

  it('is looked for among very many at once, and keeps nothing else of the worker waiting', async () => {
    const folder = await tempFolder('many');
    await git(folder, 'init', '-q');
    await commitFiles(folder, { '.gitignore': 'node_modules/\n', list: listOf(40_000, await blobIn(folder)) });
    await promisify(execFile)('sh', ['-c', 'git update-index --index-info <list'], { cwd: folder });
    await git(folder, 'commit', '-q', '-m', 'many');
    const names = Array.from({ length: 200 }, (_, at) => `node_modules/pkg-${at}`);
    for (const name of names) mkdirSync(join(folder, name), { recursive: true });
    const gitDir = join(folder, '.git');
    const store = { folder: join(gitDir, 'objects'), algorithm: 'sha1' } as const;
    const repository = { origin: { project, origin: folder, branch }, gitDir, store, mirror: null };
    const place = { worktree: folder, agentIndex: join(gitDir, 'index') };
    const delay = watchOwnDelay();
    const first = await firstInReach(
      openGit({ home: folder }),
      repository,
      place,
      await head(folder),
      names.map((name) => Buffer.from(name)),
    );
    expect(first).toBeNull();
    expect(delay.stop()).toBeLessThan(2_500);
  });
});

async function blobIn(folder: string): Promise<string> {
  await write(folder, { a: 'a\n' });
  return git(folder, 'hash-object', '-w', 'a');
}

/** As `update-index` takes it. */
function listOf(files: number, blob: string): string {
  return Array.from({ length: files }, (_, at) => `100644 ${blob}\tsrc/${at % 100}/a/b/file-${at}.ts\n`).join('');
}

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
