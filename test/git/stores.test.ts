/** What this host has of repositories and can make again: seen, removed as a whole, and made again. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { GitRoom } from '../../src/git/types.ts';
import {
  bareOrigin,
  built,
  itemOf,
  newRoom,
  otherTaskId,
  prepared,
  project,
  stored,
  taskId,
  worked,
  write,
} from '../support/git-rig.ts';

const kinds = async (room: GitRoom): Promise<readonly string[]> => (await room.listStores()).map(({ kind }) => kind);
const one = async (room: GitRoom, kind: string) => {
  const store = (await room.listStores()).find((each) => each.kind === kind);
  if (store === undefined) throw new Error(`there is no ${kind}`);
  return store;
};

describe('the stores of a host', () => {
  it('are its mirrors and landing repositories, with the tasks that have something in them', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    expect(await room.listStores()).toEqual([]);
    const before = Date.now() - 5_000;
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await built(room, target, item);
    await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
    expect(await kinds(room)).toEqual(['mirror', 'landing']);
    const mirror = await one(room, 'mirror');
    expect(mirror).toMatchObject({ tasks: 2, isLeased: false, origin: expect.stringMatching(/^demo-[0-9a-f]{12}$/) });
    expect(mirror.usedMs).toBeGreaterThan(before);
    expect(await one(room, 'landing')).toMatchObject({ tasks: 1, origin: mirror.origin });
    await room.deleteTaskRefs(target, [taskId]);
    await room.removeWorkspace(project, taskId);
    await room.removeWorkspace(project, otherTaskId);
    expect((await room.listStores()).map(({ tasks }) => tasks)).toEqual([0, 0]);
  });

  it('go as a whole, and are made again with all that is on the origin', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    const checkpoint = await stored(room, target, workspace);
    await built(room, target, itemOf(checkpoint));
    for (const kind of ['mirror', 'landing']) expect(await room.removeStore(await one(room, kind))).toBe(true);
    expect(await room.listStores()).toEqual([]);
    for (const folder of ['mirrors', 'landing', 'trash']) expect(await readdir(join(home, folder))).toEqual([]);
    const again = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(existsSync(join(again.worktree, 'b.txt'))).toBe(true);
    await stored(room, target, again, 2);
    expect((await built(room, target, itemOf(checkpoint))).commit).toMatch(/^[0-9a-f]{40}$/);
  });

  it('stay while another process holds the lock file of one', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    await prepared(room, target);
    const mirror = await one(room, 'mirror');
    // This process lives.
    const stat = `${process.pid} `;
    await writeFile(`${mirror.path}.lock`, stat);
    expect(await room.removeStore(mirror)).toBe(false);
    expect(await kinds(room)).toEqual(['mirror']);
  });

  it('are gate worktrees too, which stay while a run has them, and take what belongs to them along', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const gate = await room.gateWorktree(target, item, candidate);
    const leased = await one(room, 'gate');
    expect(leased).toMatchObject({ name: '1', isLeased: true, path: gate.path });
    expect(await room.removeStore(leased)).toBe(false);
    await gate.release();
    const free = await one(room, 'gate');
    expect(free.isLeased).toBe(false);
    expect(await room.removeStore(free)).toBe(true);
    expect(await readdir(join(home, 'gates', free.origin))).toEqual([]);
    expect(existsSync(join(home, 'mirrors', `${free.origin}.git`, 'worktrees/gate-1'))).toBe(false);
    const again = await room.gateWorktree(target, item, candidate);
    expect(existsSync(join(again.path, 'b.txt'))).toBe(true);
    await again.release();
  });

  it('are gate worktrees with all that a run has left which was killed, and parts of them', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const gate = await room.gateWorktree(target, item, await built(room, target, item));
    await gate.release();
    const { origin, path } = await one(room, 'gate');
    for (const part of ['home', 'home-layers', 'home.tmp', 'layers', 'own'])
      await mkdir(`${path}.${part}/deep`, { recursive: true });
    const killed = await one(room, 'gate');
    expect(killed.paths).toEqual(expect.arrayContaining([`${path}.home`, `${path}.home-layers`, `${path}.home.tmp`]));
    expect(await room.removeStore(killed)).toBe(true);
    expect(await readdir(join(home, 'gates', origin))).toEqual([]);
    await mkdir(`${path}.home`);
    expect(await room.removeStore(await one(room, 'gate'))).toBe(true);
    expect(await readdir(join(home, 'gates', origin))).toEqual([]);
  });

  it('are also what a removal that was cut off has left of one', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await built(room, target, item);
    const [mirror, landing] = [await one(room, 'mirror'), await one(room, 'landing')];
    await rm(mirror.path, { recursive: true });
    await rm(landing.path, { recursive: true });
    for (const { path } of [mirror, landing]) await writeFile(`${path}.lock`, '999999999 1');
    await writeFile(join(home, 'mirrors', 'other.txt'), '');
    expect(await kinds(room)).toEqual(['mirror', 'landing']);
    for (const left of await room.listStores()) expect(await room.removeStore(left)).toBe(true);
    expect(await readdir(join(home, 'mirrors'))).toEqual(['other.txt']);
    expect(await readdir(join(home, 'landing'))).toEqual([]);
  });

  it('are kept set-ups, which a run of the same origin has leased', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const gate = await room.gateWorktree(target, item, await built(room, target, item));
    const { origin } = await one(room, 'gate');
    await mkdir(join(home, 'set-ups', origin, 'key', 'tree'), { recursive: true });
    expect(await one(room, 'set-up')).toMatchObject({ name: 'key', origin, isLeased: true });
    // As a lock file is on a full disk.
    const lock = `${gate.path}.lock`;
    const owner = await readFile(lock, 'utf8');
    await rm(lock);
    await symlink(owner, lock);
    expect(await one(room, 'set-up')).toMatchObject({ isLeased: true });
    await gate.release();
    const free = await one(room, 'set-up');
    expect(free.isLeased).toBe(false);
    expect(await room.removeStore(free)).toBe(true);
    expect(await readdir(join(home, 'set-ups', origin))).toEqual([]);
  });
});

describe('the tasks that have refs on an origin', () => {
  it('are listed where this host has a repository of it', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    expect(await room.originTasks(target)).toEqual({ kind: 'elsewhere' });
    await worked(room, target, { 'b.txt': 'b\n' });
    await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId);
    const seen = await room.originTasks(target);
    expect(seen).toMatchObject({ kind: 'tasks', key: (await one(room, 'mirror')).origin });
    expect(seen.kind === 'tasks' ? seen.tasks.toSorted() : []).toEqual([taskId, otherTaskId].toSorted());
    expect(await room.originTasks({ ...target, origin: `${target.origin}-not` })).toEqual({ kind: 'elsewhere' });
  });
});
