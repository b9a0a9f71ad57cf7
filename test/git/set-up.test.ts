/** Set-up's result in gate worktrees: made of main, kept, and laid into each run so that no other sees what it writes. */

import { describe, expect, it } from '@jest/globals';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, mkdir, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate, QueueItem, Target } from '../../src/core/queue-types.ts';
import { mountOver, unmountBelow } from '../../src/git/overlay.ts';
import { createGitRoom } from '../../src/git/room.ts';
import { hasSetUp, keepSetUp } from '../../src/git/set-up-store.ts';
import type { GateWorktree, GitRoom } from '../../src/git/types.ts';
import {
  bareOrigin,
  git,
  itemOf,
  otherTaskId,
  prepared,
  stored,
  TASKS_YAML,
  worked,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const FILES = {
  '.gitignore': 'node_modules/\ndist/\n.env\n',
  'package-lock.json': '{}\n',
  'packages/a/index.js': 'a\n',
  'tasks.yaml': TASKS_YAML,
};

interface Rig {
  readonly room: GitRoom;
  readonly home: string;
  readonly target: Target;
  readonly origin: string;
  readonly item: QueueItem;
  readonly open: (of?: QueueItem, setup?: string) => Promise<GateWorktree>;
  readonly candidate: (of: QueueItem, setup?: string) => Promise<Candidate>;
}

async function rig(overlays: boolean): Promise<Rig> {
  const { target, origin } = await bareOrigin(FILES);
  const home = await tempFolder('home');
  const room = createGitRoom({ home, worker: 'test', processHome: home, overlays });
  const item = await worked(room, target, { 'b.txt': 'b\n' });
  const candidate = async (of: QueueItem, setup = 'npm ci'): Promise<Candidate> => {
    const gate = { setup, commands: [{ name: 'gate', run: 'true', timeoutMs: 1 }], hash: 'e'.repeat(64) };
    const result = await room.buildCandidate(target, of, () => ({ kind: 'ok', gate }));
    if (result.kind !== 'candidate') throw new Error(result.kind);
    return result.candidate;
  };
  const open = async (of = item, setup = 'npm ci') => room.gateWorktree(target, of, await candidate(of, setup));
  return { room, home, target, origin, item, open, candidate };
}

/** What a set-up would do; and marks it as done. */
async function setUp(gate: GateWorktree): Promise<void> {
  await write(gate.path, {
    'node_modules/dep/index.js': 'kept\n',
    'packages/a/node_modules/own/x.js': 'x\n',
    '.env': 'A=1\n',
  });
  await symlink('dep', join(gate.path, 'node_modules/link'));
  await gate.markSetUp();
}

const read = (gate: GateWorktree, path: string): string => readFileSync(join(gate.path, path), 'utf8');
const mounts = (): string => readFileSync('/proc/self/mountinfo', 'utf8');

/** Where this account may not mount, what is laid over is copied all the same. */
describe.each([
  ['laid over by an overlay where that can be', true],
  ['copied', false],
])('what set-up has made of main, %s,', (_how, overlays) => {
  it('is made at main, and then laid into the candidate', async () => {
    const { open, home } = await rig(overlays);
    const gate = await open();
    expect([gate.needsSetup, gate.isOnMain()]).toEqual([true, true]);
    expect(existsSync(join(gate.path, 'b.txt'))).toBe(false);
    await setUp(gate);
    expect(gate.isOnMain()).toBe(false);
    expect(read(gate, 'b.txt')).toBe('b\n');
    expect(read(gate, 'node_modules/link/index.js')).toBe('kept\n');
    expect(lstatSync(join(gate.path, 'node_modules/link')).isSymbolicLink()).toBe(true);
    expect(read(gate, 'packages/a/node_modules/own/x.js')).toBe('x\n');
    expect(read(gate, '.env')).toBe('A=1\n');
    expect(await git(gate.path, 'status', '--porcelain')).toBe('');
    await gate.release();
    expect(mounts()).not.toContain(home);
  });

  it('may have files and folders that are closed to the account of the worker', async () => {
    const { open } = await rig(overlays);
    const first = await open();
    await write(first.path, { 'node_modules/dep/index.js': 'kept\n', 'dist/out.js': 'out\n', '.env': 'A=1\n' });
    for (const path of ['.env', 'node_modules/dep/index.js']) await chmod(join(first.path, path), 0);
    for (const path of ['node_modules/dep', 'node_modules', 'dist']) await chmod(join(first.path, path), 0o555);
    await first.markSetUp();
    await first.release();
    const gate = await open();
    expect([gate.needsSetup, gate.isOnMain()]).toEqual([false, false]);
    for (const path of ['.env', 'node_modules/dep/index.js', 'dist/out.js'])
      expect(existsSync(join(gate.path, path))).toBe(true);
    await gate.release();
  });

  it('is kept without what has a name that is no UTF-8', async () => {
    const { open } = await rig(overlays);
    const gate = await open();
    const odd = Buffer.concat([Buffer.from(`${gate.path}/packages/a/caf`), Buffer.from([0xe9])]);
    await mkdir(Buffer.concat([odd, Buffer.from('/node_modules')]), { recursive: true });
    await writeFile(Buffer.concat([odd, Buffer.from('/node_modules/x')]), 'x\n');
    await setUp(gate);
    expect(gate.isOnMain()).toBe(false);
    expect(read(gate, 'node_modules/dep/index.js')).toBe('kept\n');
    expect(readdirSync(join(gate.path, 'packages/a')).toSorted()).toEqual(['index.js', 'node_modules']);
    await gate.release();
  });

  it('is what every run finds, whatever another one has written into it', async () => {
    const { open, home } = await rig(overlays);
    const first = await open();
    await setUp(first);
    await write(first.path, {
      'node_modules/dep/index.js': 'changed\n',
      'node_modules/.cache/x': 'x',
      '.env': 'B=2\n',
    });
    await rm(join(first.path, 'packages/a/node_modules'), { recursive: true });
    // Also one that runs at the same time.
    const beside = await open();
    expect(beside.path).not.toBe(first.path);
    expect(read(beside, 'node_modules/dep/index.js')).toBe('kept\n');
    await first.release();
    const next = await open();
    expect([next.path, next.needsSetup]).toEqual([first.path, false]);
    for (const gate of [beside, next]) {
      expect(read(gate, 'node_modules/dep/index.js')).toBe('kept\n');
      expect(readdirSync(join(gate.path, 'node_modules')).toSorted()).toEqual(['dep', 'link']);
      expect(read(gate, 'packages/a/node_modules/own/x.js')).toBe('x\n');
      expect(read(gate, '.env')).toBe('A=1\n');
      await gate.release();
    }
    expect(mounts()).not.toContain(home);
  });

  it('does not serve a candidate with other lock files: that has its own, which nobody else sees', async () => {
    const { open, room, target, item } = await rig(overlays);
    const first = await open();
    await setUp(first);
    await first.release();
    const other = await worked(room, target, { 'package-lock.json': '{"other":1}\n' }, otherTaskId);
    for (let time = 0; time < 2; time += 1) {
      const gate = await open(other);
      expect([gate.needsSetup, gate.isOnMain()]).toEqual([true, false]);
      expect(read(gate, 'package-lock.json')).toBe('{"other":1}\n');
      expect(existsSync(join(gate.path, 'node_modules/dep'))).toBe(false);
      await write(gate.path, { 'node_modules/dep/index.js': 'its own\n' });
      await gate.markSetUp();
      expect(read(gate, 'node_modules/dep/index.js')).toBe('its own\n');
      await gate.release();
    }
    const again = await open(item);
    expect(read(again, 'node_modules/dep/index.js')).toBe('kept\n');
    await again.release();
  });

  it('is made again for another command', async () => {
    const { open, item } = await rig(overlays);
    const first = await open();
    await setUp(first);
    await first.release();
    const other = await open(item, 'npm install');
    expect([other.needsSetup, other.isOnMain()]).toEqual([true, true]);
    expect(existsSync(join(other.path, 'node_modules/dep'))).toBe(false);
    await other.release();
  });

  it('is left out where the candidate has a link, a file or no folder for it: nothing is written through a link', async () => {
    const { open, room, target } = await rig(overlays);
    const first = await open();
    await setUp(first);
    await first.release();
    const outside = await tempFolder('outside');
    await mkdir(join(outside, 'node_modules'));
    const other = await linked(room, target, outside);
    const gate = await open(other);
    expect(gate.needsSetup).toBe(false);
    expect(read(gate, 'node_modules/dep/index.js')).toBe('kept\n');
    expect(readdirSync(join(outside, 'node_modules'))).toEqual([]);
    await gate.release();
    expect(readdirSync(outside)).toEqual(['node_modules']);
  });

  it('is taken off a worktree whose worker was killed, and laid in anew', async () => {
    const { open, home, target, candidate, item } = await rig(overlays);
    const first = await open();
    await setUp(first);
    await write(first.path, { 'node_modules/dep/index.js': 'changed\n' });
    // Another process's room: the first one's lease is that of a process that is gone.
    await writeFile(`${first.path}.lock`, '999999999 1');
    const room = createGitRoom({ home, worker: 'other', processHome: home, overlays });
    const gate = await room.gateWorktree(target, item, await candidate(item));
    expect(gate.path).toBe(first.path);
    expect(read(gate, 'node_modules/dep/index.js')).toBe('kept\n');
    await gate.release();
    expect(mounts()).not.toContain(home);
  });

  it('is not kept when it could not be made: the candidate then has its own', async () => {
    const { open } = await rig(overlays);
    const gate = await open();
    await write(gate.path, { 'node_modules/half': 'x' });
    await gate.goToCandidate();
    expect(gate.isOnMain()).toBe(false);
    expect(read(gate, 'b.txt')).toBe('b\n');
    expect(existsSync(join(gate.path, 'node_modules/half'))).toBe(false);
    await gate.markSetUp();
    await gate.release();
    const next = await open();
    expect(next.needsSetup).toBe(true);
    await next.release();
  });

  it("is the one that main's own gate run makes, too", async () => {
    const { room, target, origin, open } = await rig(overlays);
    const main = await git(origin, 'rev-parse', 'main');
    const tree = await git(origin, 'rev-parse', 'main^{tree}');
    const seen = await room.lookAtMain(target, null);
    const like = await room.mainCandidate(target, seen?.commit ?? never(), () => ({
      kind: 'ok',
      gate: { setup: 'npm ci', commands: [], hash: 'e'.repeat(64) },
    }));
    expect(like).toMatchObject({ commit: main, tree });
    const gate = await room.gateWorktree(target, null, like ?? never());
    expect(gate.needsSetup).toBe(true);
    await setUp(gate);
    expect(read(gate, 'node_modules/dep/index.js')).toBe('kept\n');
    await gate.release();
    const next = await open();
    expect(next.needsSetup).toBe(false);
    await next.release();
  });
});

function never(): never {
  throw new Error('there is none');
}

/** A task that puts a link to a folder outside where main has a folder. */
async function linked(room: GitRoom, target: Target, outside: string): Promise<QueueItem> {
  const workspace = await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
  await rm(join(workspace.worktree, 'packages/a'), { recursive: true });
  await symlink(outside, join(workspace.worktree, 'packages/a'));
  return itemOf(await stored(room, target, workspace), otherTaskId);
}

describe('the kept ones', () => {
  it('are the newest four and those of the last day; what was cut off while it was made goes too', async () => {
    const folder = await tempFolder('set-ups');
    const store = { folder, overlays: { works: false } };
    const [now, old] = [Date.now() / 1_000, Date.now() / 1_000 - 2 * 24 * 3_600];
    for (const [at, name] of ['a', 'b', 'c', 'd', 'e', 'cut.tmp'].entries()) {
      await mkdir(join(folder, name));
      const used = name === 'a' ? now : old - at;
      await utimes(join(folder, name), used, used);
    }
    const worktree = await tempFolder('worktree');
    await write(worktree, { 'node_modules/x': 'x' });
    await keepSetUp(store, 'new', worktree, ['node_modules']);
    expect(readdirSync(folder).toSorted()).toEqual(['a', 'b', 'c', 'new']);
    expect(existsSync(join(worktree, 'node_modules'))).toBe(false);
    expect(await hasSetUp(store, 'new')).toBe(true);
    expect(await hasSetUp(store, 'a')).toBe(false);
    // One that was made at the same time by another run changes nothing.
    await write(worktree, { 'node_modules/y': 'y' });
    await keepSetUp(store, 'new', worktree, ['node_modules']);
    expect(readdirSync(join(folder, 'new/tree/node_modules'))).toEqual(['x']);
  });
});

it('runs that end together keep their set-ups, whoever takes the old ones away', async () => {
  const folder = await tempFolder('set-ups');
  const store = { folder, overlays: { works: false } };
  const old = Date.now() / 1_000 - 2 * 24 * 3_600;
  for (let at = 0; at < 40; at += 1) {
    await mkdir(join(folder, `old-${at}`));
    await utimes(join(folder, `old-${at}`), old, old);
  }
  const keys = ['one', 'two', 'three', 'four'];
  const keep = async (key: string): Promise<void> => {
    const worktree = await tempFolder('worktree');
    await write(worktree, { 'node_modules/x': key });
    await keepSetUp(store, key, worktree, ['node_modules']);
  };
  await Promise.all(keys.map(keep));
  for (const key of keys) expect(await hasSetUp(store, key)).toBe(true);
  expect(readdirSync(folder).toSorted()).toEqual(keys.toSorted());
});

describe('an overlay', () => {
  it('is taken off a worktree that is reached through a link', async () => {
    const real = await tempFolder('real');
    const link = join(await tempFolder('link'), 'home');
    await symlink(real, link);
    for (const name of ['worktree', 'kept', 'layers']) await mkdir(join(real, name));
    await write(real, { 'kept/x': 'x' });
    const folder = join(link, 'worktree');
    const isLaid = await mountOver(folder, join(link, 'kept'), join(link, 'layers'));
    expect(existsSync(join(folder, 'x'))).toBe(isLaid);
    await unmountBelow(folder);
    expect(existsSync(join(folder, 'x'))).toBe(false);
    expect(mounts()).not.toContain(real);
  });

  it('is not tried where a path would have to be escaped, and leaves nothing', async () => {
    const folder = await tempFolder('odd,name');
    expect(await mountOver(join(folder, 'a'), join(folder, 'b'), join(folder, 'c'))).toBe(false);
    expect(readdirSync(folder)).toEqual([]);
    await unmountBelow(folder);
  });

  it('cannot be made over what is not there, and leaves no layers', async () => {
    const folder = await tempFolder('absent');
    expect(await mountOver(join(folder, 'absent'), join(folder, 'b'), join(folder, 'c'))).toBe(false);
    expect(existsSync(join(folder, 'c'))).toBe(false);
  });
});
