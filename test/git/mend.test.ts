/** A mirror with broken objects is mended from the origin, and what was nowhere else stays, or is said to be lost. */

import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loggedRoom, onlyIn, BREAKS, breakObjects, idsOf, ORIGINS } from '../support/broken-objects.ts';
import {
  bareOrigin,
  built,
  commitFiles,
  git,
  head,
  itemOf,
  otherTaskId,
  prepared,
  stored,
  storeRequest,
  taskId,
  TASKS_YAML,
  write,
} from '../support/git-rig.ts';

describe('a mirror with broken objects', () => {
  for (const [how, broken] of Object.entries(BREAKS)) {
    for (const [kind, more] of Object.entries(ORIGINS)) {
      it(`goes on when ${kind} of main are ${how}, and keeps what is stored nowhere else`, async () => {
        const { target, person } = await bareOrigin({ 'a.txt': 'one\n', 'tasks.yaml': TASKS_YAML, ...more });
        const first = await loggedRoom();
        const running = await prepared(first.room, target);
        await commitFiles(running.worktree, { 'unpushed.txt': 'unpushed\n' }, 'an unpushed commit');
        const unpushed = await head(running.worktree);
        await write(running.worktree, { 'uncommitted.txt': 'uncommitted\n', 'a.txt': 'two\n' });
        const mirror = await onlyIn(join(first.home, 'mirrors'), '.git');
        const engine = await onlyIn(join(first.home, 'mirrors'), '.engine');
        await breakObjects(mirror, await idsOf(person, 'main'), broken);

        // As after a restart, and another task comes.
        const { room, logged } = await loggedRoom(first.home);
        const next = await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
        expect(await readFile(join(next.worktree, 'a.txt'), 'utf8')).toBe('one\n');
        expect(logged.map(({ message }) => message)).toEqual([expect.stringContaining('was mended')]);
        expect(logged[0]?.facts).toMatchObject({ repository: engine, lost: 0 });

        expect(await readFile(join(running.worktree, 'uncommitted.txt'), 'utf8')).toBe('uncommitted\n');
        const checkpoint = await stored(room, target, running);
        expect(await git(mirror, 'log', '--format=%H', checkpoint.head)).toContain(unpushed);
        expect((await git(mirror, 'ls-tree', '-r', '--name-only', checkpoint.head)).split('\n')).toEqual(
          expect.arrayContaining(['a.txt', 'uncommitted.txt', 'unpushed.txt']),
        );
        expect(await git(mirror, 'fsck', '--full', '--no-dangling')).toBe('');
        const landed = await room.land(target, itemOf(checkpoint), await built(room, target, itemOf(checkpoint)));
        expect(landed.kind).toBe('landed');
        expect(logged).toHaveLength(1);
      });
    }
  }

  it('is mended for work that is being stored', async () => {
    const { target, person } = await bareOrigin();
    const { room, home, logged } = await loggedRoom();
    const running = await prepared(room, target);
    await commitFiles(running.worktree, { 'b.txt': 'b\n' });
    await write(running.worktree, { 'c.txt': 'c\n' });
    const mirror = await onlyIn(join(home, 'mirrors'), '.git');
    await breakObjects(mirror, await idsOf(person, 'main'), BREAKS['emptied'] ?? rm);
    expect(await room.storeWorkspace(storeRequest(target, running))).toMatchObject({ kind: 'stored' });
    expect(logged).toHaveLength(1);
  });

  it('stores the files of an agent whose commits were nowhere else and are lost', async () => {
    const { target } = await bareOrigin();
    const { room, home, logged } = await loggedRoom();
    const running = await prepared(room, target);
    await commitFiles(running.worktree, { 'committed.txt': 'committed\n', 'a.txt': 'two\n' });
    await write(running.worktree, { 'uncommitted.txt': 'uncommitted\n' });
    await rm(join(running.worktree, 'tasks.yaml'));
    const mirror = await onlyIn(join(home, 'mirrors'), '.git');
    await breakObjects(mirror, await idsOf(running.worktree, 'HEAD', `^${running.start}`), BREAKS['emptied'] ?? rm);
    const checkpoint = await stored(room, target, running);
    expect(logged.map(({ message }) => message)).toEqual([
      expect.stringContaining('was mended'),
      expect.stringContaining('commits were lost'),
    ]);
    expect(logged[0]?.facts['lost']).toBeGreaterThan(0);
    expect((await git(mirror, 'ls-tree', '-r', '--name-only', checkpoint.head)).split('\n')).toEqual([
      'a.txt',
      'committed.txt',
      'uncommitted.txt',
    ]);
    expect(await git(mirror, 'show', `${checkpoint.head}:a.txt`)).toBe('two');
    expect(await git(mirror, 'rev-list', '--count', checkpoint.head, `^${checkpoint.base}`)).toBe('1');
    const next = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(await readFile(join(next.worktree, 'uncommitted.txt'), 'utf8')).toBe('uncommitted\n');
  });

  for (const [how, broken] of Object.entries(BREAKS)) {
    it(`stores a file of which an agent has added what is ${how}`, async () => {
      const { target } = await bareOrigin();
      const { room, home } = await loggedRoom();
      const running = await prepared(room, target);
      await write(running.worktree, { 'added.txt': 'added\n' });
      await git(running.worktree, 'add', 'added.txt');
      const mirror = await onlyIn(join(home, 'mirrors'), '.git');
      await breakObjects(mirror, [await head(running.worktree, ':added.txt')], broken);
      const request = { project: target.project, origin: target.origin, workspace: running, attempt: 1 };
      const unfinished = await room.storeUnfinished(request);
      expect(unfinished).toEqual({ kind: 'stored', head: expect.any(String), leftOut: [] });
      const checkpoint = await stored(room, target, running);
      expect(await git(target.origin, 'show', `${checkpoint.head}:added.txt`)).toBe('added');
    });

    it(`stores unfinished work again of which what was stored is ${how}`, async () => {
      const { target } = await bareOrigin();
      const { room, home } = await loggedRoom();
      const running = await prepared(room, target);
      const request = { project: target.project, origin: target.origin, workspace: running, attempt: 1 };
      await write(running.worktree, { 'folder/one.txt': 'one\n' });
      expect(await room.storeUnfinished(request)).toMatchObject({ kind: 'stored' });
      const mirror = await onlyIn(join(home, 'mirrors'), '.git');
      const work = await git(target.origin, 'rev-parse', `refs/tasks/${taskId}/1/work`);
      await breakObjects(mirror, await idsOf(target.origin, work, `^${running.start}`), broken);
      await write(running.worktree, { 'folder/two.txt': 'two\n' });
      expect(await room.storeUnfinished(request)).toMatchObject({ kind: 'stored' });
      const now = await git(target.origin, 'rev-parse', `refs/tasks/${taskId}/1/work`);
      expect(now).not.toBe(work);
      expect((await git(target.origin, 'ls-tree', '-r', '--name-only', now)).split('\n')).toEqual(
        expect.arrayContaining(['folder/one.txt', 'folder/two.txt']),
      );
    });
  }

  it('fails by its name where what an attempt began with is lost here and on the origin', async () => {
    const { target, origin } = await bareOrigin();
    const { room, home } = await loggedRoom();
    const one = await prepared(room, target);
    await write(one.worktree, { 'stored.txt': 'stored\n' });
    const checkpoint = await stored(room, target, one);
    const two = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    await commitFiles(two.worktree, { 'more.txt': 'more\n' });
    await git(origin, 'update-ref', '-d', `refs/tasks/${taskId}/1/head`);
    const mirror = await onlyIn(join(home, 'mirrors'), '.git');
    await breakObjects(mirror, [checkpoint.head], BREAKS['emptied'] ?? rm);
    const result = await room.storeWorkspace(storeRequest(target, two, 2));
    expect(result).toMatchObject({
      kind: 'failed',
      failure: 'broken-repository',
      message: expect.stringContaining(home),
    });
    const three = await room.prepareWorkspace({
      ...target,
      taskId,
      attempt: 3,
      start: { kind: 'checkpoint', checkpoint },
    });
    expect(three).toMatchObject({ kind: 'failed', failure: 'broken-repository' });
    expect(await prepared(room, target, 4)).toMatchObject({ base: checkpoint.base });
  });

  it('names what is wrong when its origin cannot be reached, changes nothing, and is mended when it can again', async () => {
    const { target, person, origin } = await bareOrigin();
    const { room, home } = await loggedRoom();
    const running = await prepared(room, target);
    const unpushed = await commitFiles(running.worktree, { 'b.txt': 'b\n' });
    const mirror = await onlyIn(join(home, 'mirrors'), '.git');
    await breakObjects(mirror, await idsOf(person, 'main'), BREAKS['emptied'] ?? rm);
    const before = await readdir(join(mirror, 'objects'), { recursive: true });
    await rename(origin, `${origin}.away`);
    const failed = await room.storeWorkspace(storeRequest(target, running));
    expect(failed).toMatchObject({
      kind: 'failed',
      failure: 'broken-repository',
      next: expect.stringContaining(mirror),
    });
    expect(await readdir(join(mirror, 'objects'), { recursive: true })).toEqual(before);
    await rename(`${origin}.away`, origin);
    const checkpoint = await stored(room, target, running);
    expect(await git(origin, 'log', '-1', '--format=%H', checkpoint.head)).toBe(unpushed);
  });

  it('is mended of a large file that is broken, and takes a large one for whole that is', async () => {
    const { target, person } = await bareOrigin();
    const large = Buffer.alloc(20 * 1024 * 1024, 'what does not deflate to nothing is not needed here\n');
    await writeFile(join(person, 'large.txt'), large);
    await writeFile(join(person, 'random.bin'), randomBytes(2 * 1024 * 1024));
    await commitFiles(person, {});
    await git(person, 'push', '-q', 'origin', 'main');
    const { room, home, logged } = await loggedRoom();
    const running = await prepared(room, target);
    const more = randomBytes(2 * 1024 * 1024);
    for (const [name, content] of [
      ['more.bin', more],
      ['more.txt', Buffer.concat([large, large])],
    ] as const)
      await writeFile(join(running.worktree, name), content);
    await git(running.worktree, 'add', '-A');
    const mirror = await onlyIn(join(home, 'mirrors'), '.git');
    await breakObjects(
      mirror,
      [await head(person, 'main:random.bin'), await head(person, 'main:tasks.yaml')],
      BREAKS['cut off'] ?? rm,
    );
    const next = await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
    expect((await readFile(join(next.worktree, 'large.txt'))).equals(large)).toBe(true);
    expect(logged[0]?.facts).toMatchObject({ lost: 0 });
    const checkpoint = await stored(room, target, running);
    expect(Number(await git(target.origin, 'cat-file', '-s', `${checkpoint.head}:more.bin`))).toBe(more.length);
    expect(logged).toHaveLength(1);
  });

  it('is left as it is when the origin is what is broken, which keeps its name', async () => {
    const { target, person, origin } = await bareOrigin();
    const { room, home, logged } = await loggedRoom();
    await prepared(room, target);
    const next = await commitFiles(person, { 'b.txt': 'b\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    await breakObjects(origin, [next], BREAKS['emptied'] ?? rm);
    const result = await room.prepareWorkspace({ ...target, taskId: otherTaskId, attempt: 1, start: { kind: 'main' } });
    expect(result).toMatchObject({ kind: 'failed', failure: expect.not.stringContaining('broken-repository') });
    expect(logged).toEqual([]);
    expect(existsSync(join(await onlyIn(join(home, 'mirrors'), '.engine'), 'broken'))).toBe(false);
  });

  it('keeps what was moved aside, the last one only', async () => {
    const { target, person } = await bareOrigin();
    const { room, home, logged } = await loggedRoom();
    await prepared(room, target);
    const mirror = await onlyIn(join(home, 'mirrors'), '.git');
    for (const id of [taskId, otherTaskId]) {
      await breakObjects(mirror, await idsOf(person, 'main'), BREAKS['overwritten with zeros'] ?? rm);
      const request = { ...target, taskId: id, attempt: 1, start: { kind: 'main' } } as const;
      await room.removeWorkspace(target.project, id);
      expect(await room.prepareWorkspace(request)).toMatchObject({ kind: 'ready' });
    }
    const asides = new Set(logged.map(({ facts }) => facts['aside']));
    expect([logged.length, asides.size]).toEqual([2, 1]);
    expect(existsSync(String([...asides][0]))).toBe(true);
  });
});
