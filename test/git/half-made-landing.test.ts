/** Landings that were cut off in a checkout: finished when they are surely ours, else left alone. */

import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate } from '../../src/core/queue-types.ts';
import {
  built,
  checkedOutOrigin,
  git,
  head,
  itemOf,
  newRoom,
  prepared,
  stored,
  taskId,
  TASKS_YAML,
  write,
} from '../support/git-rig.ts';

async function expectLanded(origin: string, candidate: Candidate): Promise<void> {
  expect(await head(origin)).toBe(candidate.commit);
  expect(await git(origin, 'status', '--porcelain')).toBe('');
  expect(await readFile(join(origin, 'a.txt'), 'utf8')).toBe('changed\n');
  expect(existsSync(join(origin, 'gone.txt'))).toBe(false);
  expect(existsSync(join(origin, '.git/index.lock'))).toBe(false);
  expect(await git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks')).not.toContain('/head');
}

describe('a landing that was cut off in a checkout', () => {
  const files = { 'a.txt': 'one\n', 'gone.txt': 'gone\n', 'mode.sh': 'x\n', 'tasks.yaml': TASKS_YAML };

  async function cutOff(): Promise<{
    origin: string;
    land: () => Promise<unknown>;
    candidate: Candidate;
    first: string;
  }> {
    const { target, origin, first } = await checkedOutOrigin(files);
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'a.txt': 'changed\n', 'new.txt': 'new\n', 'deep/er.txt': 'deep\n' });
    await rm(join(workspace.worktree, 'gone.txt'));
    await chmod(join(workspace.worktree, 'mode.sh'), 0o755);
    await symlink('a.txt', join(workspace.worktree, 'link'));
    const item = itemOf(await stored(room, target, workspace));
    const candidate = await built(room, target, item);
    return { origin, candidate, first, land: () => room.land(target, item, candidate) };
  }

  it('is finished when all files and the index have moved and the branch has not', async () => {
    const { origin, candidate, first, land } = await cutOff();
    await git(origin, 'fetch', '-q', origin, `refs/tasks/${taskId}/1/head`);
    await land();
    await git(origin, 'update-ref', 'refs/heads/main', first);
    expect(await git(origin, 'status', '--porcelain')).not.toBe('');
    expect(await land()).toMatchObject({ kind: 'landed' });
    await expectLanded(origin, candidate);
  });

  it('is finished when it stopped half-way through the files, with the lock left behind', async () => {
    const { origin, candidate, land } = await cutOff();
    await write(origin, { 'a.txt': 'changed\n', 'deep/er.txt': 'deep\n' });
    await rm(join(origin, 'gone.txt'));
    await oldLock(origin);
    expect(await land()).toMatchObject({ kind: 'landed' });
    await expectLanded(origin, candidate);
  });

  it('is finished, and git goes on not looking at what a person has it not look at', async () => {
    const { target, origin } = await checkedOutOrigin({
      ...files,
      'mine.txt': 'main\n',
      'b.txt': 'b\n',
      'c.txt': 'c\n',
    });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'a.txt': 'changed\n', 'b.txt': 'changed\n', 'c.txt': 'changed\n' });
    await rm(join(workspace.worktree, 'gone.txt'));
    const item = itemOf(await stored(room, target, workspace));
    const candidate = await built(room, target, item);
    await git(origin, 'update-index', '--skip-worktree', 'mine.txt', 'b.txt', 'c.txt');
    await git(origin, 'update-index', '--assume-unchanged', 'mode.sh');
    await write(origin, { 'mine.txt': 'a person\n', 'mode.sh': 'a person\n' });
    await rm(join(origin, 'b.txt'));
    await write(origin, { 'a.txt': 'changed\n' });
    await oldLock(origin);
    const flags = await git(origin, 'ls-files', '-v');
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    await expectLanded(origin, candidate);
    expect(await git(origin, 'ls-files', '-v')).toBe(flags.replace('H gone.txt\n', ''));
    expect(await readFile(join(origin, 'mine.txt'), 'utf8')).toBe('a person\n');
    expect(await readFile(join(origin, 'mode.sh'), 'utf8')).toBe('a person\n');
  });

  it('is finished whatever its files are called', async () => {
    const names = ['"quoted"', '"begun', 'back\\slash', 'line\nbreak', 'return\r', ' space '];
    const filled = (content: string) => Object.fromEntries(names.map((name) => [name, content]));
    const { target, origin } = await checkedOutOrigin({ ...filled('one\n'), 'tasks.yaml': TASKS_YAML });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const work = filled('changed\n');
    await write(workspace.worktree, work);
    const item = itemOf(await stored(room, target, workspace));
    const candidate = await built(room, target, item);
    await write(origin, work);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(await head(origin)).toBe(candidate.commit);
    expect(await git(origin, 'status', '--porcelain')).toBe('');
  });

  it('waits when one file has another content, and touches nothing', async () => {
    const { origin, first, land } = await cutOff();
    await write(origin, { 'a.txt': 'changed\n', 'new.txt': 'of the person\n' });
    expect(await land()).toMatchObject({ kind: 'held', why: 'checkout', text: expect.stringContaining('new.txt') });
    expect(await readFile(join(origin, 'new.txt'), 'utf8')).toBe('of the person\n');
    expect(await readFile(join(origin, 'a.txt'), 'utf8')).toBe('changed\n');
    expect(await head(origin)).toBe(first);
  });

  it('waits while another git command holds the lock', async () => {
    const { origin, first, land } = await cutOff();
    await write(origin, { 'a.txt': 'changed\n' });
    await writeFile(join(origin, '.git/index.lock'), '');
    expect(await land()).toMatchObject({
      kind: 'held',
      why: 'checkout',
      text: expect.stringContaining('another git command'),
    });
    expect(existsSync(join(origin, '.git/index.lock'))).toBe(true);
    expect(await head(origin)).toBe(first);
  });

  it('takes a file that a person deleted for a change of the person', async () => {
    const { origin, first, land } = await cutOff();
    await rm(join(origin, 'a.txt'));
    expect(await land()).toMatchObject({ kind: 'held', why: 'checkout', text: expect.stringContaining('a.txt') });
    expect(await head(origin)).toBe(first);
    expect(existsSync(join(origin, 'a.txt'))).toBe(false);
  });

  it('is finished when it stopped within a file, which is kept aside', async () => {
    const { origin, candidate, land } = await cutOff();
    await write(origin, { 'a.txt': 'changed\n', 'new.txt': 'ne' });
    await oldLock(origin);
    expect(await land()).toMatchObject({ kind: 'landed' });
    await expectLanded(origin, candidate);
    expect(await readFile(join(origin, 'new.txt'), 'utf8')).toBe('new\n');
    expect(await readdir(join(origin, '.git/tributary-set-aside'))).toHaveLength(1);
  });

  it('goes over a lock that was left before the first file', async () => {
    const { origin, candidate, land } = await cutOff();
    await oldLock(origin);
    expect(await land()).toMatchObject({ kind: 'landed' });
    await expectLanded(origin, candidate);
  });

  it('leaves an old lock alone while a git command is at work in the checkout', async () => {
    const { origin, candidate, first, land } = await cutOff();
    await oldLock(origin);
    const working = spawn('git', ['cat-file', '--batch'], { cwd: origin, stdio: ['pipe', 'pipe', 'ignore'] });
    working.stdin.write(`${first}\n`);
    await once(working.stdout, 'data');
    expect(await land()).toMatchObject({ kind: 'held', why: 'checkout' });
    await write(origin, { 'a.txt': 'changed\n' });
    expect(await land()).toMatchObject({ kind: 'held', text: expect.stringContaining('another git command') });
    expect(existsSync(join(origin, '.git/index.lock'))).toBe(true);
    working.stdin.end();
    await once(working, 'exit');
    expect(await land()).toMatchObject({ kind: 'landed' });
    await expectLanded(origin, candidate);
  });
});

async function oldLock(origin: string): Promise<void> {
  const lock = join(origin, '.git/index.lock');
  await writeFile(lock, '');
  const old = Date.now() / 1000 - 60;
  await utimes(lock, old, old);
}
