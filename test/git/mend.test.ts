/** Broken objects in repositories of the engine are mended from the origin, and what was nowhere else is said to be lost. */

import { describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, chmod, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseTaskId } from '../../src/core/ids.ts';
import { createGitRoom } from '../../src/git/room.ts';
import type { GitRoom } from '../../src/git/types.ts';
import {
  bareOrigin,
  built,
  commitFiles,
  git,
  head,
  itemOf,
  otherTaskId,
  prepared,
  readGate,
  stored,
  storeRequest,
  taskId,
  TASKS_YAML,
  value,
  worked,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

type Said = { readonly message: string; readonly facts: Readonly<Record<string, unknown>> };

/** The room of a worker, and what it has logged. */
async function loggedRoom(home?: string): Promise<{ room: GitRoom; home: string; logged: Said[] }> {
  const folder = home ?? (await tempFolder('home'));
  const logged: Said[] = [];
  const log = (message: string, facts: Said['facts']): void => void logged.push({ message, facts });
  return { room: createGitRoom({ home: folder, worker: 'test', processHome: folder, log }), home: folder, logged };
}

async function onlyIn(folder: string, ending: string): Promise<string> {
  const [name, ...more] = (await readdir(folder)).filter((one) => one.endsWith(ending));
  if (name === undefined || more.length > 0) throw new Error(`${folder} has ${more.length + 1} repositories`);
  return join(folder, name);
}

const BREAKS: Readonly<Record<string, (path: string) => Promise<void>>> = {
  emptied: (path) => truncate(path, 0),
  'overwritten with zeros': async (path) => writeFile(path, Buffer.alloc((await readFile(path)).length)),
  'cut off': async (path) => truncate(path, Math.floor((await readFile(path)).length / 2)),
  'followed by something': (path) => appendFile(path, 'something'),
  missing: (path) => rm(path),
};

/** Breaks the loose objects with these ids; or the pack that has them. */
async function breakObjects(gitDir: string, ids: readonly string[], how: (path: string) => Promise<void>) {
  let broken = 0;
  for (const id of ids) {
    const path = join(gitDir, 'objects', id.slice(0, 2), id.slice(2));
    if (!existsSync(path)) continue;
    await chmod(path, 0o644);
    await how(path);
    broken += 1;
  }
  const packs = join(gitDir, 'objects/pack');
  for (const name of (await readdir(packs)).filter((each) => each.endsWith('.pack'))) {
    await chmod(join(packs, name), 0o644);
    await how(join(packs, name));
    broken += 1;
  }
  if (broken === 0) throw new Error('nothing was broken');
}

async function idsOf(folder: string, ...revisions: string[]): Promise<readonly string[]> {
  const lines = await git(folder, 'rev-list', '--objects', ...revisions);
  return lines.split('\n').map((line) => line.split(' ')[0] ?? '');
}

const MANY = Object.fromEntries(Array.from({ length: 120 }, (_, at) => [`many/${at}.txt`, `line ${at}\n`]));
const ORIGINS = { 'loose objects': {}, 'a pack': MANY } as const;

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
      expect(await room.readFileAt(target, item.base, name)).not.toBeNull();
      expect(await room.readFileAt(target, item.base, 'none.txt')).toBeNull();
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

describe('a landing repository with broken objects', () => {
  for (const [how, broken] of Object.entries(BREAKS)) {
    for (const [kind, more] of Object.entries(ORIGINS)) {
      it(`is made anew when ${kind} are ${how}, and what was built lands`, async () => {
        const { target, person, origin } = await bareOrigin({ 'a.txt': 'one\n', 'tasks.yaml': TASKS_YAML, ...more });
        const first = await loggedRoom();
        const item = await worked(first.room, target, { 'b.txt': 'b\n' });
        await built(first.room, target, item);
        const landing = await onlyIn(join(first.home, 'landing'), '.git');
        const ids = (await git(landing, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)')).split('\n');
        await breakObjects(landing, ids, broken);

        const { room, logged } = await loggedRoom(first.home);
        const candidate = await built(room, target, item);
        expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
        expect(await head(origin, 'main')).toBe(candidate.commit);
        // What is missing altogether git fetches again by itself.
        const mended = how === 'missing' ? [] : [expect.stringContaining('was mended')];
        expect(logged.map(({ message }) => message)).toEqual(mended);
        expect(existsSync(`${landing}.broken`)).toBe(mended.length > 0);
        expect(await git(landing, 'fsck', '--full', '--no-dangling')).toBe('');
        expect(await git(person, 'ls-remote', origin, 'refs/tasks/*')).toBe('');
      });
    }
  }

  it('builds a candidate anew that lost its tree between building and landing', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await loggedRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const landing = await onlyIn(join(home, 'landing'), '.git');
    await breakObjects(landing, [candidate.tree], rm);
    const again = await loggedRoom(home);
    const result = await again.room.land(target, item, candidate);
    expect(['moved', 'landed']).toContain(result.kind);
    const next = await again.room.buildCandidate(target, item, readGate);
    expect(['candidate', 'landed']).toContain(next.kind);
    if (next.kind === 'candidate')
      expect(await again.room.land(target, item, next.candidate)).toMatchObject({ kind: 'landed' });
  });

  it('holds landing by the right name when its origin cannot be reached', async () => {
    const { target, origin } = await bareOrigin();
    const { room, home } = await loggedRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await built(room, target, item);
    const landing = await onlyIn(join(home, 'landing'), '.git');
    const ids = (await git(landing, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)')).split('\n');
    await breakObjects(landing, ids, BREAKS['emptied'] ?? rm);
    await rename(origin, `${origin}.away`);
    const again = await loggedRoom(home);
    const result = await again.room.buildCandidate(target, item, readGate);
    expect(result).toMatchObject({ kind: 'held' });
    await rename(`${origin}.away`, origin);
    expect(await again.room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'candidate' });
  });
});
