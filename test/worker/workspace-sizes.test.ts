/** What workspaces take: measured once after each use, and remembered by whoever comes next. */

import { beforeEach, describe, expect, it } from '@jest/globals';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseProjectName, parseTaskId, type TaskId } from '../../src/core/ids.ts';
import { WorkspaceSizes } from '../../src/worker/workspace-sizes.ts';
import { value } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const project = value(parseProjectName('shop'));
const KIB = 1_024;
const never = new AbortController().signal;
let home: string;

beforeEach(async () => {
  home = await tempFolder('home');
});

const folderOf = (taskId: TaskId): string => join(home, 'workspaces', project, taskId);

/** A workspace of so many KiB that was used so many seconds ago. */
async function workspace(name: string, kib: number, secondsAgo: number) {
  const taskId = value(parseTaskId(name.padEnd(10, '0')));
  await mkdir(join(folderOf(taskId), 'worktree'), { recursive: true });
  await writeFile(join(folderOf(taskId), 'worktree/file'), Buffer.alloc(kib * KIB, 1));
  await use(taskId, secondsAgo);
  return { project, taskId };
}

async function use(taskId: TaskId, secondsAgo: number): Promise<void> {
  const at = new Date(Date.now() - secondsAgo * 1_000);
  await writeFile(join(folderOf(taskId), 'state.json'), '{}');
  await utimes(join(folderOf(taskId), 'state.json'), at, at);
}

describe('workspaces of a host', () => {
  it('come with the one that rested longest first, and sizes only where they are asked for', async () => {
    const young = await workspace('a', 64, 10);
    const old = await workspace('b', 256, 20);
    const sizes = new WorkspaceSizes(home);
    const plain = await sizes.of([young, old], false, never);
    expect(plain.map(({ taskId, bytes }) => [taskId, bytes])).toEqual([
      [old.taskId, null],
      [young.taskId, null],
    ]);
    const [first, second] = await sizes.of([young, old], true, never);
    expect(first?.bytes).toBeGreaterThanOrEqual(256 * KIB);
    expect(second?.bytes).toBeGreaterThanOrEqual(64 * KIB);
    expect(second?.bytes).toBeLessThan(128 * KIB);
  });

  it('are not measured again before they are used again, also after a restart', async () => {
    const one = await workspace('a', 64, 10);
    const [before] = await new WorkspaceSizes(home).of([one], true, never);
    await writeFile(join(folderOf(one.taskId), 'worktree/more'), Buffer.alloc(512 * KIB, 1));
    const restarted = new WorkspaceSizes(home);
    expect((await restarted.of([one], true, never))[0]?.bytes).toBe(before?.bytes);
    await use(one.taskId, 8);
    expect((await restarted.of([one], true, never))[0]?.bytes).toBeGreaterThanOrEqual(512 * KIB);
  });

  it('are not measured while they may be in use, nor many at a look', async () => {
    const busy = await workspace('z', 64, 0);
    expect(await new WorkspaceSizes(home).of([busy], true, never)).toMatchObject([{ bytes: null }]);
    const many = await Promise.all(Array.from('0123456789abcdef').map((name) => workspace(name, 4, 60)));
    const sizes = new WorkspaceSizes(home);
    const measured = async (): Promise<number> =>
      (await sizes.of(many, true, never)).filter(({ bytes }) => bytes !== null).length;
    expect(await measured()).toBe(10);
    expect(await measured()).toBe(16);
  });
});
