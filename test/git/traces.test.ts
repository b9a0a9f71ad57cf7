/** What a task has left on the origin, and what the difference of its work is. */

import { describe, expect, it } from '@jest/globals';
import { rename } from 'node:fs/promises';
import {
  bareOrigin,
  built,
  git,
  itemOf,
  newRoom,
  otherTaskId,
  prepared,
  stored,
  taskId,
  worked,
  write,
} from '../support/git-rig.ts';

describe('the traces of a task', () => {
  it('are its attempts’ refs, packed or not, and none of another one’s', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    expect(await room.tracesOf(target, taskId)).toEqual({ kind: 'traces', lastAttempt: 0, landed: null });
    await worked(room, target, { 'b.txt': 'b\n' });
    const workspace = await prepared(room, target, 12, { kind: 'main' }, otherTaskId);
    await write(workspace.worktree, { 'c.txt': 'c\n' });
    await stored(room, target, workspace, 12);
    expect(await room.tracesOf(target, taskId)).toMatchObject({ lastAttempt: 1 });
    await git(origin, 'pack-refs', '--all');
    expect(await room.tracesOf(target, otherTaskId)).toMatchObject({ lastAttempt: 12, landed: null });
  });

  it('say by which commit it has landed, when its refs are gone and however much has landed since', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    const other = await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId);
    await room.land(target, other, await built(room, target, other));
    await room.deleteTaskRefs(target, [taskId, otherTaskId]);
    expect(await room.tracesOf(target, taskId)).toEqual({ kind: 'traces', lastAttempt: 0, landed: candidate.commit });
  });

  it('cannot be told while the origin is away', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    await worked(room, target, { 'b.txt': 'b\n' });
    await rename(origin, `${origin}.away`);
    expect(await room.tracesOf(target, taskId)).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining(origin),
    });
  });
});

describe('a task that has landed by another attempt', () => {
  it('has landed: its next attempt builds no candidate', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    await room.land(target, item, candidate);
    const workspace = await prepared(room, target, 2, {
      kind: 'checkpoint',
      checkpoint: { base: item.base, head: item.head, attempt: 1, changed: true },
    });
    await write(workspace.worktree, { 'b.txt': 'b, otherwise\n' });
    const again = itemOf(await stored(room, target, workspace, 2));
    // Another worker, which remembers nothing.
    const { room: fresh } = await newRoom();
    const result = await fresh.buildCandidate(target, again, () => ({ kind: 'invalid', message: 'not asked' }));
    expect(result).toMatchObject({ kind: 'landed', landing: { commit: candidate.commit, attempt: 1 } });
  });
});

describe('the difference of a task’s work', () => {
  it('is a summary and the patch, and runs nothing that the work brings along', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    const { base, head } = await worked(room, target, {
      'b.txt': 'b\n',
      '.gitattributes': '*.txt diff=evil\n',
      '.gitconfig': `[diff "evil"]\n\ttextconv = touch ${home}/ran\n`,
    });
    const patch = (await room.diffOf({ ...target, base, head })) ?? '';
    expect(patch).toMatch(/3 files changed/);
    expect(patch).toContain('diff --git a/b.txt b/b.txt');
    expect(patch).toContain('+b\n');
  });

  it('of more than 8 MiB is the summary alone, which says so', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const { base, head } = await worked(room, target, {
      'big.txt': 'a line that is long enough\n'.repeat(400_000),
    });
    const patch = (await room.diffOf({ ...target, base, head })) ?? '';
    expect(patch).toMatch(/big\.txt.*400000/);
    expect(patch).toMatch(/\[the patch has more than 8 MiB\]\n$/);
    expect(patch.length).toBeLessThan(1_000);
  });

  it('of a commit that is not here cannot be told', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const { base } = await worked(room, target, { 'b.txt': 'b\n' });
    const elsewhere = await worked((await newRoom()).room, (await bareOrigin({ 'x.txt': 'x\n' })).target, { y: 'y\n' });
    expect(await room.diffOf({ ...target, base, head: elsewhere.head })).toBeNull();
  });
});
