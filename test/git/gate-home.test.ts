/** HOME of gate runs: each its own, over what main's set-up has left, and gone with the run. */

import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Candidate, QueueItem } from '../../src/core/queue-types.ts';
import { createGitRoom } from '../../src/git/room.ts';
import type { GateWorktree } from '../../src/git/types.ts';
import { bareOrigin, otherTaskId, TASKS_YAML, worked, write } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const FILES = { '.gitignore': 'node_modules/\n', 'package-lock.json': '{}\n', 'tasks.yaml': TASKS_YAML };

interface Rig {
  readonly home: string;
  readonly item: QueueItem;
  /** A task with other lock files than main's. */
  readonly other: QueueItem;
  readonly open: (of?: QueueItem, setup?: string | null) => Promise<GateWorktree>;
  /** The same from another process's room. */
  readonly again: () => Promise<GateWorktree>;
}

async function rig(overlays: boolean): Promise<Rig> {
  const { target } = await bareOrigin(FILES);
  const home = await tempFolder('home');
  const room = createGitRoom({ home, worker: 'test', processHome: home, overlays });
  const item = await worked(room, target, { 'b.txt': 'b\n' });
  const other = await worked(room, target, { 'package-lock.json': '{"changed":1}\n' }, otherTaskId);
  const candidate = async (of: QueueItem, setup: string | null): Promise<Candidate> => {
    const gate = { setup, commands: [{ name: 'gate', run: 'true', timeoutMs: 1 }], hash: 'e'.repeat(64) };
    const result = await room.buildCandidate(target, of, () => ({ kind: 'ok', gate }));
    if (result.kind !== 'candidate') throw new Error(result.kind);
    return result.candidate;
  };
  const open = async (of: QueueItem = item, setup: string | null = 'npm ci') =>
    room.gateWorktree(target, of, await candidate(of, setup));
  const again = async () =>
    createGitRoom({ home, worker: 'again', processHome: home, overlays }).gateWorktree(
      target,
      item,
      await candidate(item, 'npm ci'),
    );
  return { home, item, other, open, again };
}

/** What a package manager leaves in HOME. */
const CACHE = { '.npm/_cacache/index': 'of main\n', '.npmrc': 'of main\n' };

async function setUp(gate: GateWorktree): Promise<void> {
  await write(gate.path, { 'node_modules/dep/index.js': 'kept\n' });
  await write(gate.home, CACHE);
  await gate.markSetUp();
}

const read = (gate: GateWorktree, path: string): string => readFileSync(join(gate.home, path), 'utf8');

describe.each([
  ['laid over by an overlay where that can be', true],
  ['copied', false],
])('the HOME of a gate run, %s,', (_how, overlays) => {
  it('is empty without a set-up, and gone afterwards', async () => {
    const { open, home, item } = await rig(overlays);
    const gate = await open(item, null);
    expect(readdirSync(gate.home)).toEqual([]);
    await write(gate.home, { '.gitconfig': 'x', '.cache/x': 'x' });
    await write(`${gate.home}.tmp/1`, { x: 'x' });
    await gate.release();
    const [origin = ''] = readdirSync(join(home, 'gates'));
    expect(readdirSync(join(home, 'gates', origin)).filter((name) => name.includes('home'))).toEqual([]);
    const next = await open(item, null);
    expect(next.home).toBe(gate.home);
    expect(readdirSync(next.home)).toEqual([]);
    await next.release();
  });

  it('begins with what main’s set-up has left, in the run that made it and in all later ones, whatever one changes', async () => {
    const { open } = await rig(overlays);
    const first = await open();
    expect(readdirSync(first.home)).toEqual([]);
    await setUp(first);
    expect(read(first, '.npmrc')).toBe('of main\n');
    await write(first.home, { '.npmrc': 'registry=http://evil.example\n', '.bashrc': 'exit 0\n' });
    await first.release();
    const [second, beside] = [await open(), await open()];
    for (const gate of [second, beside]) {
      expect(gate.needsSetup).toBe(false);
      expect(read(gate, '.npmrc')).toBe('of main\n');
      expect(existsSync(join(gate.home, '.bashrc'))).toBe(false);
    }
    expect(second.home).not.toBe(beside.home);
    await write(second.home, { '.npm/_cacache/index': 'changed\n' });
    expect(read(beside, '.npm/_cacache/index')).toBe('of main\n');
    await second.release();
    await beside.release();
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(second.home);
  });

  it('of a candidate with lock files of its own begins with the last one of main, and is kept for nobody', async () => {
    const { open, other } = await rig(overlays);
    const first = await open();
    await setUp(first);
    await first.release();
    const own = await open(other);
    expect([own.needsSetup, own.isOnMain()]).toEqual([true, false]);
    expect(read(own, '.npm/_cacache/index')).toBe('of main\n');
    await write(own.home, { '.npm/_cacache/index': 'poisoned\n', '.npmrc': 'poisoned\n' });
    await own.markSetUp();
    expect(read(own, '.npmrc')).toBe('poisoned\n');
    await own.release();
    for (const each of [undefined, other]) {
      const next = await open(each);
      expect(read(next, '.npm/_cacache/index') + read(next, '.npmrc')).toBe('of main\nof main\n');
      await next.release();
    }
  });

  it('of another set-up of main begins with what the last one left, and adds to it', async () => {
    const { open, item } = await rig(overlays);
    const first = await open();
    await setUp(first);
    await first.release();
    const second = await open(item, 'npm ci --other');
    expect([second.needsSetup, second.isOnMain()]).toEqual([true, true]);
    await write(second.home, { '.npm/more': 'more\n', '.npmrc': 'changed by main\n' });
    await second.markSetUp();
    expect(read(second, '.npm/_cacache/index')).toBe('of main\n');
    await second.release();
    const [again, before] = [await open(item, 'npm ci --other'), await open()];
    expect([read(again, '.npmrc'), read(again, '.npm/more')]).toEqual(['changed by main\n', 'more\n']);
    expect(read(before, '.npmrc')).toBe('of main\n');
    expect(existsSync(join(before.home, '.npm/more'))).toBe(false);
    await again.release();
    await before.release();
  });

  it('is made anew where a worker was killed', async () => {
    const { open, home, again } = await rig(overlays);
    const first = await open();
    await setUp(first);
    await write(first.home, { '.npmrc': 'changed\n', '.bashrc': 'left\n' });
    // Another process's room: the first one's lease is that of a process that is gone.
    await writeFile(`${first.path}.lock`, '999999999 1');
    const next = await again();
    expect(next.home).toBe(first.home);
    expect(read(next, '.npmrc')).toBe('of main\n');
    expect(existsSync(join(next.home, '.bashrc'))).toBe(false);
    await next.release();
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(home);
  });
});
