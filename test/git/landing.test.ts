/** Candidates and landing: what is found out, and what is never done. */

import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate } from '../../src/core/queue-types.ts';
import {
  bareOrigin,
  built,
  checkedOutOrigin,
  commitFiles,
  git,
  head,
  itemOf,
  newRoom,
  otherTaskId,
  prepared,
  readGate,
  stored,
  taskId,
  TASKS_YAML,
  worked,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

describe('building a candidate', () => {
  it('returns a conflict with the files, both sides and what landed since', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'a.txt': 'one\nTASK\nthree\n' });
    const main = await commitFiles(person, { 'a.txt': 'one\nMAIN\nthree\n' }, 'what landed');
    await git(person, 'push', '-q', 'origin', 'main');
    const result = await room.buildCandidate(target, item, readGate);
    expect(result).toMatchObject({
      kind: 'conflict',
      request: {
        kind: 'conflict',
        main,
        files: ['a.txt'],
        failedCommand: null,
        landedSince: [{ commit: main, title: 'what landed' }],
      },
    });
    if (result.kind !== 'conflict') throw new Error('no conflict');
    expect(result.request.evidence).toMatch(/MAIN\n={7}\nTASK/);
    expect(result.request.text).toContain('a.txt');
  });

  it('returns a conflict when one side deleted what the other changed', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'a.txt': 'one\nTASK\nthree\n' });
    await git(person, 'rm', '-q', 'a.txt');
    await git(person, 'commit', '-qm', 'deleted');
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.buildCandidate(target, item, readGate)).toMatchObject({
      kind: 'conflict',
      request: { files: ['a.txt'] },
    });
  });

  it('has nothing to land when main has the same content already', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await commitFiles(person, { 'b.txt': 'b\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.buildCandidate(target, item, readGate)).toEqual({ kind: 'nothing-to-land' });
  });

  it('waits for a gate that main does not have', async () => {
    const { target } = await bareOrigin({ 'a.txt': 'a\n' });
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    expect(await room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'held', why: 'gate' });
  });

  it('waits for an origin that cannot be reached, and refuses a branch that is gone', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await rename(origin, `${origin}.away`);
    expect(await room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'held', why: 'origin' });
    await rename(`${origin}.away`, origin);
    await git(origin, 'update-ref', '-d', `refs/tasks/${taskId}/1/head`);
    const other = await newRoom();
    expect(await other.room.buildCandidate(target, item, readGate)).toMatchObject({
      kind: 'refused',
      failure: { kind: 'landing-refused' },
    });
  });

  it('does not take a task for landed because an agent wrote its trailers into a summary or a commit', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const other = {
      ...(await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId)),
      summary: `fine\n\nTask-Id: ${taskId}\nTask-Attempt: 1`,
    };
    expect(await room.land(target, other, await built(room, target, other))).toMatchObject({ kind: 'landed' });
    expect(await room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'candidate' });
    expect(existsSync(person)).toBe(true);
  });

  it('gives equal candidates for a title with a line break, a dash or a direction mark', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = {
      ...(await worked(room, target, { 'b.txt': 'b\n' })),
      title: '-x \u202Eevil\nsecond',
      author: { name: 'A <b>\n', email: 'e>\nx' },
    };
    const candidate = await built(room, target, item);
    expect(await built(room, target, item)).toEqual(candidate);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(await git(origin, 'log', '-1', '--format=%s|%an|%ae', 'main')).toBe('-x evil|A b|e x');
    expect(await git(origin, 'fsck', '--strict')).toBe('');
  });
});

describe('landing on a bare origin', () => {
  it('reports a main that has moved and leaves it alone', async () => {
    const { target, person, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const moved = await commitFiles(person, { 'c.txt': 'c\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.land(target, item, candidate)).toEqual({ kind: 'moved' });
    expect(await head(origin, 'main')).toBe(moved);
    expect(await head(origin, `refs/tasks/${taskId}/1/head`)).toBe(item.head);
    const next = await built(room, target, item);
    expect(await room.land(target, item, next)).toMatchObject({ kind: 'landed', landing: { main: moved } });
  });

  it('lands when the ref of the task is gone already, and lands once when asked twice at the same time', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    await git(origin, 'update-ref', '-d', `refs/tasks/${taskId}/1/head`);
    const both = await Promise.all([room.land(target, item, candidate), room.land(target, item, candidate)]);
    expect(both.map((result) => result.kind)).toEqual(['landed', 'landed']);
    expect(await git(origin, 'rev-list', '--count', '--first-parent', 'main')).toBe('2');
  });

  it('lets one of two tasks win', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const other = await newRoom();
    const one = await worked(room, target, { 'b.txt': 'b\n' });
    const two = await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId);
    const candidates = await Promise.all([built(room, target, one), built(other.room, target, two)]);
    const results = await Promise.all([
      room.land(target, one, candidates[0]),
      other.room.land(target, two, candidates[1]),
    ]);
    expect(results.map((result) => result.kind).sort()).toEqual(['landed', 'moved']);
    expect(await git(origin, 'rev-list', '--count', '--first-parent', 'main')).toBe('2');
  });

  it('passes on the words of a server that refuses', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const hook = join(origin, 'hooks/pre-receive');
    await write(origin, { 'hooks/pre-receive': '#!/bin/sh\necho "main is protected: ask Ada" >&2\nexit 1\n' });
    await chmod(hook, 0o755);
    expect(await room.land(target, item, candidate)).toMatchObject({
      kind: 'refused',
      failure: { kind: 'landing-refused', message: expect.stringContaining('main is protected: ask Ada') },
    });
    expect(await head(origin, 'main')).toBe(first);
  });

  it('waits for an origin that went away', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    await rename(origin, `${origin}.away`);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'held', why: 'origin' });
  });
});

describe('landing on a checked-out origin', () => {
  it('moves the branch and its files together', async () => {
    const { target, origin } = await checkedOutOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'a.txt': 'changed\n', 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(await head(origin)).toBe(candidate.commit);
    expect(await readFile(join(origin, 'a.txt'), 'utf8')).toBe('changed\n');
    expect(await git(origin, 'status', '--porcelain')).toBe('');
  });

  it('runs no hook of the checkout', async () => {
    const { target, origin } = await checkedOutOrigin();
    const { room } = await newRoom();
    const marker = join(await tempFolder('marker'), 'ran');
    for (const hook of ['push-to-checkout', 'pre-receive', 'post-receive', 'post-checkout', 'update']) {
      await write(origin, { [`.git/hooks/${hook}`]: `#!/bin/sh\ntouch ${marker}\n` });
      await chmod(join(origin, '.git/hooks', hook), 0o755);
    }
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await rm(marker, { force: true });
    expect(await room.land(target, item, await built(room, target, item))).toMatchObject({ kind: 'landed' });
    expect(existsSync(marker)).toBe(false);
  });

  it('waits while it has changes, names them, and lands when they are gone', async () => {
    const { target, origin, first } = await checkedOutOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    await write(origin, { 'a.txt': 'being edited\n' });
    const held = await room.land(target, item, candidate);
    expect(held).toMatchObject({ kind: 'held', why: 'checkout', text: expect.stringContaining('a.txt') });
    expect(held).toMatchObject({ text: expect.stringContaining('commit or stash') });
    expect(held).toMatchObject({ text: expect.stringContaining(origin) });
    expect(await head(origin)).toBe(first);
    expect(await readFile(join(origin, 'a.txt'), 'utf8')).toBe('being edited\n');
    await git(origin, 'checkout', '-q', '--', 'a.txt');
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
  });

  it.each([
    ['an untracked file', { '.gitignore': '' }],
    ['an ignored file', { '.gitignore': 'b.txt\n' }],
  ])('never writes over %s', async (_, files) => {
    const { target, origin, first } = await checkedOutOrigin({ ...files, 'tasks.yaml': TASKS_YAML });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'of the task\n' });
    await git(workspace.worktree, 'add', '-f', 'b.txt');
    await git(workspace.worktree, 'commit', '-qm', 'x');
    const item = itemOf(await stored(room, target, workspace));
    const candidate = await built(room, target, item);
    await write(origin, { 'b.txt': 'of the person\n' });
    expect(await room.land(target, item, candidate)).toMatchObject({
      kind: 'held',
      why: 'checkout',
      text: expect.stringContaining('b.txt'),
    });
    expect(await readFile(join(origin, 'b.txt'), 'utf8')).toBe('of the person\n');
    expect(await head(origin)).toBe(first);
  });

  it.each([
    ['a file where a folder has to be', { 'dir/x.txt': 'x' }, { dir: 'of the person' }, 'dir'],
    ['a folder where a file has to be', { thing: 'x' }, { 'thing/mine': 'of the person' }, 'thing/mine'],
  ])('never removes an ignored %s', async (_, files, persons, kept) => {
    const { target, origin } = await checkedOutOrigin({ '.gitignore': '/dir\n/thing\n', 'tasks.yaml': TASKS_YAML });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, files);
    await git(workspace.worktree, 'add', '-f', '.');
    await git(workspace.worktree, 'commit', '-qm', 'x');
    const item = itemOf(await stored(room, target, workspace));
    const candidate = await built(room, target, item);
    await write(origin, persons);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'held', why: 'checkout' });
    expect(await readFile(join(origin, kept), 'utf8')).toBe('of the person');
  });

  it('lands beside untracked files that are not in the way', async () => {
    const { target, origin } = await checkedOutOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await write(origin, { 'mine.txt': 'mine' });
    expect(await room.land(target, item, await built(room, target, item))).toMatchObject({ kind: 'landed' });
    expect(await readFile(join(origin, 'mine.txt'), 'utf8')).toBe('mine');
  });

  it('moves a branch that a linked worktree has checked out, and one that nobody has', async () => {
    const { target, origin } = await checkedOutOrigin();
    const linked = join(await tempFolder('linked'), 'wt');
    await git(origin, 'checkout', '-q', '-b', 'elsewhere');
    const { room } = await newRoom();
    const one = await worked(room, target, { 'b.txt': 'b\n' });
    expect(await room.land(target, one, await built(room, target, one))).toMatchObject({ kind: 'landed' });
    expect(existsSync(join(origin, 'b.txt'))).toBe(false);
    await git(origin, 'worktree', 'add', '-q', linked, 'main');
    const two = await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId);
    expect(await room.land(target, two, await built(room, target, two))).toMatchObject({ kind: 'landed' });
    expect(await readFile(join(linked, 'c.txt'), 'utf8')).toBe('c\n');
    expect(await git(linked, 'status', '--porcelain')).toBe('');
  });
});

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
