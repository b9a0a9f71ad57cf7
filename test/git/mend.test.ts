/** Broken objects in repositories of the engine are mended from the origin, and what was nowhere else is said to be lost. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { chmod, readdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
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

  it('says that work is lost which was nowhere else, and goes on from the checkpoint', async () => {
    const { target } = await bareOrigin();
    const { room, home, logged } = await loggedRoom();
    const one = await prepared(room, target);
    await write(one.worktree, { 'stored.txt': 'stored\n' });
    const checkpoint = await stored(room, target, one);
    const two = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    await commitFiles(two.worktree, { 'lost.txt': 'lost\n' });
    const mirror = await onlyIn(join(home, 'mirrors'), '.git');
    const [commit = ''] = await idsOf(two.worktree, 'HEAD', `^${checkpoint.head}`);
    await breakObjects(mirror, [commit], BREAKS['emptied'] ?? rm);
    const result = await room.storeWorkspace(storeRequest(target, two, 2));
    expect(result).toMatchObject({ kind: 'failed', failure: 'broken-repository' });
    expect(logged[0]?.facts).toMatchObject({ lost: expect.any(Number) });
    const three = await prepared(room, target, 3, { kind: 'checkpoint', checkpoint });
    expect(await readdir(three.worktree)).toEqual(expect.arrayContaining(['stored.txt']));
    expect(await readdir(three.worktree)).not.toContain('lost.txt');
    expect(await stored(room, target, three, 3)).toMatchObject({ head: checkpoint.head });
  });

  it('names what is wrong when its origin cannot be reached, changes nothing, and is mended when it can again', async () => {
    const { target, person, origin } = await bareOrigin();
    const { room, home } = await loggedRoom();
    const running = await prepared(room, target);
    await commitFiles(running.worktree, { 'b.txt': 'b\n' });
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
    expect(await room.storeWorkspace(storeRequest(target, running))).toMatchObject({ kind: 'stored' });
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
