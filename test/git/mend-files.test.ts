/** One broken file among many: what is whole stays, and nothing is taken for absent. */

import { describe, expect, it } from '@jest/globals';
import { chmod, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTaskId } from '../../src/core/ids.ts';
import { loggedRoom, onlyIn, BREAKS, breakObjects, idsOf } from '../support/broken-objects.ts';
import {
  bareOrigin,
  built,
  commitFiles,
  git,
  head,
  prepared,
  stored,
  TASKS_YAML,
  value,
  worked,
  write,
} from '../support/git-rig.ts';

describe('one file among many', () => {
  const VERY_MANY = Object.fromEntries(
    Array.from({ length: 300 }, (_, at) => [`f/${at % 7}/${at}.txt`, `${at} x\n`.repeat(9)]),
  );

  for (const [how, broken] of Object.entries({
    'is cut off': async (path: string) => truncate(path, Math.floor((await readFile(path)).length * 0.7)),
    'is overwritten in its middle': async (path: string) => {
      const content = await readFile(path);
      content.fill(7, Math.floor(content.length * 0.3), Math.floor(content.length * 0.3) + 20);
      await writeFile(path, content);
    },
    'has a broken index': async (path: string) => {
      const index = path.replace(/pack$/, 'idx');
      await chmod(index, 0o644);
      await writeFile(index, Buffer.alloc(2_000));
    },
    'has no index any more': (path: string) => rm(path.replace(/pack$/, 'idx')),
  })) {
    it(`of a pack with work that is nowhere else ${how}: what is whole in it stays`, async () => {
      const { target } = await bareOrigin({ 'tasks.yaml': TASKS_YAML });
      const first = await loggedRoom();
      const running = await prepared(first.room, target);
      await commitFiles(running.worktree, VERY_MANY, 'much that is unpushed');
      await write(running.worktree, { 'uncommitted.txt': 'uncommitted\n' });
      const mirror = await onlyIn(join(first.home, 'mirrors'), '.git');
      await git(mirror, 'repack', '-a', '-d', '-q');
      await git(mirror, 'prune-packed', '-q');
      const [pack = ''] = (await readdir(join(mirror, 'objects/pack'))).filter((each) => each.endsWith('.pack'));
      const path = join(mirror, 'objects/pack', pack);
      await chmod(path, 0o644);
      await broken(path);
      const { room } = await loggedRoom(first.home);
      const checkpoint = await stored(room, target, running);
      const names = (await git(mirror, 'ls-tree', '-r', '--name-only', checkpoint.head)).split('\n');
      expect(names).toEqual([...Object.keys(VERY_MANY), 'tasks.yaml', 'uncommitted.txt'].toSorted());
      expect(await git(mirror, 'fsck', '--full', '--no-dangling')).toBe('');
      if (how.includes('index'))
        expect(await git(mirror, 'rev-list', '--count', checkpoint.head, `^${checkpoint.base}`)).toBe('2');
    });
  }

  for (const name of ['tasks.yaml', 'a.txt']) {
    it(`of main is missing: ${name} is not taken for one that main does not have`, async () => {
      const { target, person } = await bareOrigin();
      const first = await loggedRoom();
      const item = await worked(first.room, target, { 'b.txt': 'b\n' });
      await built(first.room, target, item);
      const id = await head(person, `main:${name}`);
      const [mirror, landing] = [
        await onlyIn(join(first.home, 'mirrors'), '.git'),
        await onlyIn(join(first.home, 'landing'), '.git'),
      ];
      for (const each of [mirror, landing]) await breakObjects(each, [id], rm);
      const { room, logged } = await loggedRoom(first.home);
      expect(await room.readFileAt(target, item.base, name)).toEqual({ kind: 'file', text: expect.any(String) });
      expect(await room.readFileAt(target, item.base, 'none.txt')).toEqual({ kind: 'file', text: null });
      expect(logged).toHaveLength(1);
      const candidate = await built(room, target, item);
      expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    });
  }

  it('of a candidate is missing where its gate is to run', async () => {
    const { target } = await bareOrigin();
    const first = await loggedRoom();
    const item = await worked(first.room, target, { 'b.txt': 'b\n', 'folder/c.txt': 'c\n' });
    const candidate = await built(first.room, target, item);
    await (await first.room.gateWorktree(target, item, candidate)).release();
    const mirror = await onlyIn(join(first.home, 'mirrors'), '.git');
    await breakObjects(mirror, [await head(mirror, `${candidate.commit}:folder`)], rm);
    const { room, home } = await loggedRoom(first.home);
    await rm(join(home, 'gates'), { recursive: true });
    const worktree = await room.gateWorktree(target, item, candidate);
    expect(await readFile(join(worktree.path, 'folder/c.txt'), 'utf8')).toBe('c\n');
    await worktree.release();
  });

  it('is mended once for many who meet it at once', async () => {
    const { target, person } = await bareOrigin();
    const first = await loggedRoom();
    await prepared(first.room, target);
    const mirror = await onlyIn(join(first.home, 'mirrors'), '.git');
    await breakObjects(mirror, await idsOf(person, 'main'), BREAKS['emptied'] ?? rm);
    const { room, logged } = await loggedRoom(first.home);
    const other = await loggedRoom(first.home);
    const ids = ['abcdefghj1', 'abcdefghj2', 'abcdefghj3', 'abcdefghj4'].map((id) => value(parseTaskId(id)));
    const ready = await Promise.all(
      ids.map((id, at) => prepared(at === 3 ? other.room : room, target, 1, { kind: 'main' }, id)),
    );
    expect(ready).toHaveLength(4);
    expect(logged.length + other.logged.length).toBeGreaterThan(0);
    expect(logged.length).toBeLessThanOrEqual(1);
    expect(await git(mirror, 'fsck', '--full', '--no-dangling')).toBe('');
  });
});
