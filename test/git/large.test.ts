/** What is too large to be stored is refused before it is read; what is large is looked through for secrets all the same. */

import { describe, expect, it } from '@jest/globals';
import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createScanner } from '../../src/core/secrets.ts';
import type { GitRoom, StoreRequest, Workspace } from '../../src/git/types.ts';
import { bareOrigin, git, newRoom, prepared, storeRequest, write } from '../support/git-rig.ts';

const MIB = 1024 * 1024;
const KEY = 'k3y-of-the-agent-0123456789';
const scan = createScanner([{ name: 'AGENT_KEY', value: KEY }]);

interface Rig {
  readonly room: GitRoom;
  readonly workspace: Workspace;
  readonly store: (changes?: Partial<StoreRequest>) => ReturnType<GitRoom['storeWorkspace']>;
  /** Bytes of all objects that the host has. */
  readonly objects: () => number;
  readonly origin: string;
}

async function rig(): Promise<Rig> {
  const { target, origin } = await bareOrigin({ 'a.txt': 'a\n', '.gitignore': 'ignored\n' });
  const { room, home } = await newRoom();
  const workspace = await prepared(room, target);
  return {
    room,
    workspace,
    origin,
    store: (changes = {}) => room.storeWorkspace({ ...storeRequest(target, workspace), scan, ...changes }),
    objects: () =>
      readdirSync(home, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.parentPath.includes('/objects'))
        .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0),
  };
}

function sparse(path: string, bytes: number): void {
  writeFileSync(path, '');
  truncateSync(path, bytes);
}

describe('what is too large to be stored', () => {
  it.each([
    ['in a small worktree', 0],
    ['in a worktree of many files', 2_100],
  ])(
    'is refused by its name, %s, though it takes nothing of the disk, and before it is read',
    async (_where, files) => {
      const { workspace, store, objects, origin } = await rig();
      await write(workspace.worktree, { 'b.txt': 'b\n' });
      for (let count = 0; count < files; count += 1) writeFileSync(join(workspace.worktree, `f${count}`), '');
      sparse(join(workspace.worktree, 'huge.bin'), 2 * 1024 * MIB);
      const before = objects();
      expect(await store()).toMatchObject({
        kind: 'failed',
        failure: 'unstorable-files',
        message: '"huge.bin" has 2048 MiB; a file that is stored has at most 100 MiB',
        next: expect.stringContaining('.gitignore'),
      });
      expect(objects()).toBe(before);
      expect(await git(origin, 'for-each-ref', 'refs/tasks')).toBe('');
      // Nobody is in the way of who puts it where it is not stored.
      writeFileSync(join(workspace.worktree, '.gitignore'), 'huge.bin\nf*\n');
      expect(await store()).toMatchObject({ kind: 'stored' });
    },
  );

  it('is refused when it is many files that together have more than the host allows', async () => {
    const { workspace, store } = await rig();
    for (const name of ['one', 'two', 'three']) sparse(join(workspace.worktree, name), 20 * MIB);
    expect(await store({ maxBytes: 50 * MIB })).toMatchObject({
      failure: 'unstorable-files',
      message: "what was changed has 60 MiB; the limits: of this host's host.yaml allow 50 MiB",
    });
    expect(await store({ maxBytes: 64 * MIB })).toMatchObject({ kind: 'stored' });
  });

  it('is refused when the agent has committed it itself', async () => {
    const { workspace, store, origin } = await rig();
    sparse(join(workspace.worktree, 'huge.bin'), 101 * MIB);
    await git(workspace.worktree, 'add', '-A');
    await git(workspace.worktree, 'commit', '-qm', 'Huge');
    expect(await store()).toMatchObject({
      failure: 'unstorable-files',
      message: expect.stringMatching(/^"the object [0-9a-f]{40}" has 101 MiB/),
    });
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).toBe('');
  });

  it('may be of any size where git does not look', async () => {
    const { workspace, store } = await rig();
    sparse(join(workspace.worktree, 'ignored'), 2 * 1024 * MIB);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    expect(await store()).toMatchObject({ kind: 'stored' });
  });
});

describe('a secret', () => {
  const found = { failure: 'secret-found', message: expect.stringContaining('the secret AGENT_KEY') };

  it.each([
    ['in the name of a file', `${KEY}.txt`],
    ['in the name of a folder', `x${KEY}/file`],
  ])('is found %s', async (_where, path) => {
    const { workspace, store, origin } = await rig();
    await write(workspace.worktree, { [path]: 'nothing\n' });
    expect(await store()).toMatchObject(found);
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).toBe('');
  });

  it('is found beside a key that main has already, in the same file; without it the file is stored', async () => {
    const [known, other] = [['AKIA', 'ABCDEFGHIJKLMNOP'].join(''), `ghp_${'a1B2'.repeat(10)}`];
    const { target, origin } = await bareOrigin({ 'keys.txt': `${known}\n` });
    const { room } = await newRoom();
    const store = async (attempt: number, keys: string) => {
      const workspace = await prepared(room, target, attempt);
      await write(workspace.worktree, { 'keys.txt': keys });
      return room.storeWorkspace({ ...storeRequest(target, workspace, attempt), scan });
    };
    expect(await store(1, `${known}\nan example\n${other}\n`)).toMatchObject({
      failure: 'secret-found',
      message: expect.stringContaining('a GitHub token is in what was committed'),
    });
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).toBe('');
    expect(await store(2, `${known}\nan example\n`)).toMatchObject({ kind: 'stored' });
  });

  it('is found in a name among more files than the engine compares by itself', async () => {
    const { workspace, store } = await rig();
    for (let count = 0; count < 400; count += 1) writeFileSync(join(workspace.worktree, `f${count}`), '');
    await write(workspace.worktree, { [`deep/${KEY}`]: '' });
    expect(await store()).toMatchObject(found);
  });

  it.each([
    ['at its beginning', 0],
    ['across two parts that are looked through one after the other', MIB - 10],
    ['at its end', 12 * MIB - KEY.length],
  ])('is found in a large file, %s', async (_where, at) => {
    const { workspace, store } = await rig();
    const content = Buffer.alloc(12 * MIB, 'x');
    content.write(KEY, at);
    writeFileSync(join(workspace.worktree, 'large'), content);
    expect(await store()).toMatchObject(found);
  });

  it('is found soon among hundreds of thousands that look like keys', async () => {
    const { workspace, store } = await rig();
    const keys = Array.from({ length: 200_000 }, (_, at) => `AKIA${at.toString(36).toUpperCase().padStart(16, 'Q')}`);
    await write(workspace.worktree, { keys: keys.join('\n') });
    const began = performance.now();
    expect(await store()).toMatchObject({
      failure: 'secret-found',
      message: expect.stringContaining('an AWS access key'),
    });
    // Git alone was busy with all of them for longer.
    expect(performance.now() - began).toBeLessThan(15_000);
  });
});
