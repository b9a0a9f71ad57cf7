/** Workspaces that processes are at work in stay, and nobody begins in one that goes. */

import { describe, expect, it } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bareOrigin, newRoom, otherTaskId, prepared, project, taskId } from '../support/git-rig.ts';

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const yes = { mayGo: () => Promise.resolve(true), gone: () => Promise.resolve() };

describe('a workspace', () => {
  it('stays while somebody is at work in it, and goes once nobody is', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    await prepared(room, target);
    const one = await room.useWorkspace(taskId);
    const two = await (await newRoom(home)).room.useWorkspace(taskId);
    await one();
    expect(await room.isWorkspaceUsed(taskId)).toBe(true);
    expect(await room.isWorkspaceUsed(otherTaskId)).toBe(false);
    expect(await room.removeUnused(project, taskId, yes)).toBe('in-use');
    expect(await room.listWorkspaces()).toHaveLength(1);
    await two();
    expect(await room.removeUnused(project, taskId, yes)).toBe('removed');
    expect(await room.listWorkspaces()).toEqual([]);
    expect(await readdir(join(home, 'in-use'))).toEqual([]);
  });

  it('stays when the last word is that it may not go', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    await prepared(room, target);
    let told = false;
    const no = {
      mayGo: () => Promise.resolve(false),
      gone: () => {
        told = true;
        return Promise.resolve();
      },
    };
    expect(await room.removeUnused(project, taskId, no)).toBe('kept');
    expect(await room.listWorkspaces()).toHaveLength(1);
    expect(told).toBe(false);
  });

  it('is not begun in before it is gone, with all that goes with it', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    await prepared(room, target);
    const order: string[] = [];
    let begun: Promise<unknown> = Promise.resolve();
    const removed = await room.removeUnused(project, taskId, {
      mayGo: async () => {
        begun = room.useWorkspace(taskId).then((release) => {
          order.push('begun');
          return release();
        });
        return true;
      },
      gone: async () => {
        order.push(`${(await room.listWorkspaces()).length} left`);
      },
    });
    await begun;
    expect(removed).toBe('removed');
    expect(order).toEqual(['0 left', 'begun']);
  });

  (isRoot ? it : it.skip)('takes along what goes with it when files of another account stay aside', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    const { worktree } = await prepared(room, target);
    execFileSync('chown', ['-R', String(NOBODY), home]);
    await mkdir(join(worktree, 'cache/of/another'), { recursive: true });
    await chown(join(worktree, 'cache'), NOBODY, NOBODY);
    let told = 0;
    const gone = (): Promise<void> => {
      told += 1;
      return Promise.resolve();
    };
    process.seteuid?.(NOBODY);
    try {
      await expect(room.removeUnused(project, taskId, { ...yes, gone })).rejects.toThrow(
        /Operation not permitted|Permission denied/,
      );
      expect(await room.listWorkspaces()).toEqual([]);
    } finally {
      process.seteuid?.(0);
    }
    expect(told).toBe(1);
  });

  it('goes when who was at work in it is dead', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    await prepared(room, target);
    await (
      await room.useWorkspace(taskId)
    )();
    const child = spawn('true');
    await once(child, 'exit');
    await writeFile(join(home, 'in-use', `${taskId}.${child.pid ?? 0}-1`), `${child.pid ?? 0} 1`);
    expect(await room.isWorkspaceUsed(taskId)).toBe(false);
    expect(await room.removeUnused(project, taskId, yes)).toBe('removed');
    expect(await readdir(join(home, 'in-use'))).toEqual([]);
  });
});
