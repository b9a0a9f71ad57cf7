/** What the radar sees of stored works, without a checkout. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { QueueItem } from '../../src/core/queue-types.ts';
import type { Work } from '../../src/core/radar.ts';
import { bareOrigin, commitFiles, git, newRoom, otherTaskId, taskId, worked } from '../support/git-rig.ts';

function workOf({ taskId: id, attempt, base, head }: QueueItem): Work {
  return { id, attempt, base, head };
}

const FILES = { 'a.txt': 'one\ntwo\nthree\n', 'b.txt': 'b\n', 'tasks.yaml': 'project: demo\ngate: "true"\n' };

/** Two tasks' works, beside what a person has put on main since. */
async function rig(one: Record<string, string>, other: Record<string, string>, main: Record<string, string> = {}) {
  const { target, person } = await bareOrigin(FILES);
  const { room, home } = await newRoom();
  const works = [workOf(await worked(room, target, one)), workOf(await worked(room, target, other, otherTaskId))];
  const landed = await commitFiles(person, { ...main, 'z.txt': 'z' }, 'Sort the list\n\nNewest first.\n\nTask-Id: 1');
  await git(person, 'push', '-q', 'origin', 'main');
  return { target, person, room, home, works, landed };
}

describe('the radar', () => {
  it('sees who conflicts with main, in which files, and what landed there for what', async () => {
    const change = { 'a.txt': 'one\nMAIN\nthree\n' };
    const { target, room, works, landed } = await rig({ 'a.txt': 'one\nTASK\nthree\n' }, { 'b.txt': 'B\n' }, change);
    const sight = await room.lookAround(target, works);
    expect(sight).toMatchObject({ main: landed, seen: [taskId, otherTaskId], overlaps: [] });
    expect([...(sight?.conflicts ?? [])]).toEqual([
      [
        taskId,
        {
          head: works[0]?.head,
          main: landed,
          files: ['a.txt'],
          landed: [{ commit: landed, title: 'Sort the list', summary: 'Newest first.' }],
        },
      ],
    ]);
  });

  it('sees who touches the files of another, and whether the two can be merged', async () => {
    const clash = await rig({ 'a.txt': 'ONE\ntwo\nthree\n' }, { 'a.txt': 'uno\ntwo\nthree\n', 'b.txt': 'B\n' });
    expect(await clash.room.lookAround(clash.target, clash.works)).toMatchObject({
      overlaps: [{ one: taskId, other: otherTaskId, files: ['a.txt'], conflict: true }],
    });
    const side = await rig({ 'a.txt': 'ONE\ntwo\nthree\n' }, { 'a.txt': 'one\ntwo\nthree\nfour\n' });
    const sight = await side.room.lookAround(side.target, side.works);
    expect(sight).toMatchObject({ overlaps: [{ files: ['a.txt'], conflict: false }] });
    expect(sight?.conflicts.size).toBe(0);
  });

  it('sees the works of other hosts too, and leaves nothing behind', async () => {
    const { target, works } = await rig({ 'a.txt': 'ONE\n' }, { 'a.txt': 'uno\n' });
    const { room, home } = await newRoom();
    const sight = await room.lookAround(target, works);
    expect(sight).toMatchObject({ seen: [taskId, otherTaskId], overlaps: [{ conflict: true }] });
    expect(await room.lookAround(target, works)).toEqual(sight);
    expect(await readdir(join(home, 'trash')).catch(() => [])).toEqual([]);
    const [mirror = ''] = (await readdir(join(home, 'mirrors'))).filter((name) => name.endsWith('.engine'));
    expect(await git(join(home, 'mirrors', mirror), 'for-each-ref', 'refs/tasks')).toBe('');
    // The landing repository is not waited for.
    expect(existsSync(join(home, 'landing'))).toBe(false);
  });

  it('leaves out what the origin has no more, and answers nothing when there is no main to be had', async () => {
    const { target, works, person } = await rig({ 'a.txt': 'ONE\n' }, { 'b.txt': 'B\n' });
    await git(person, 'push', '-q', 'origin', `:refs/tasks/${otherTaskId}/1/head`);
    const { room } = await newRoom();
    expect(await room.lookAround(target, works)).toMatchObject({ seen: [taskId] });
    expect(await room.lookAround({ ...target, origin: `${target.origin}.gone` }, works)).toBeNull();
  });

  it('reads names as they are', async () => {
    const name = ':(glob)*.md\tx';
    const { target, room, works } = await rig({ [name]: 'task\n' }, { 'b.txt': 'B\n' }, { [name]: 'main\n' });
    const sight = await room.lookAround(target, works);
    expect(sight?.conflicts.get(taskId)).toMatchObject({ files: [name], landed: [{ title: 'Sort the list' }] });
  });
});
