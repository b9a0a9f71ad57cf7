/** Upkeep of this host's repositories: that it happens, when it does not, and that nothing vanishes by it. */

import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGitRoom } from '../../src/git/room.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { keepUp, UPKEEP_EVERY_MS } from '../../src/worker/upkeep.ts';
import {
  bareOrigin,
  commitFiles,
  git,
  head,
  newRoom,
  otherTaskId,
  prepared,
  stored,
  write,
} from '../support/git-rig.ts';

const ANY = { loose: 0, packs: 1, idleMs: 0 };

async function onlyIn(folder: string, ending: string): Promise<string> {
  const [name, ...more] = (await readdir(folder)).filter((one) => one.endsWith(ending));
  if (name === undefined || more.length > 0) throw new Error(`${folder} has ${more.length + 1} repositories`);
  return join(folder, name);
}

async function objectsOf(gitDir: string): Promise<readonly string[]> {
  return (await git(gitDir, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)')).split('\n');
}

async function countsOf(gitDir: string): Promise<{ readonly loose: number; readonly packs: number }> {
  const said = await git(gitDir, 'count-objects', '-v');
  const number = (name: string): number => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(said)?.[1]);
  return { loose: number('count'), packs: number('packs') };
}

/** A home whose mirror has several packs, and loose objects of two tasks: one stored, one at work. */
async function usedMirror() {
  const { target, person, origin } = await bareOrigin();
  const { room, home } = await newRoom();
  for (const name of ['one', 'two', 'three', 'four', 'five']) {
    // More than is unpacked at once.
    const many = Array.from({ length: 110 }, (_, at) => [`${name}/${at}.txt`, `${name} ${at}\n`]);
    const commit = await commitFiles(person, { [`${name}.txt`]: `${name}\n`, ...Object.fromEntries(many) });
    await git(person, 'push', '-q', origin, 'main');
    await room.readFileAt(target, commit, 'tasks.yaml');
  }
  const done = await prepared(room, target);
  await write(done.worktree, { 'done.txt': 'done\n' });
  await stored(room, target, done);
  const running = await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
  const mirror = await onlyIn(join(home, 'mirrors'), '.git');
  return { target, room, home, mirror, running };
}

/** Minutes lie between two of them: of packs of one second git cannot tell which is the newer. */
async function keptUp(room: GitRoom, mirror: string, times: number): Promise<void> {
  const folder = join(mirror, 'objects/pack');
  for (let round = 0; round < times; round += 1) {
    for (const name of await readdir(folder)) {
      const seconds = (await stat(join(folder, name))).mtimeMs / 1000 - 300;
      await utimes(join(folder, name), seconds, seconds);
    }
    for (const { kind, text } of await room.keepUp(ANY)) expect([kind, text]).toEqual(['done', '']);
  }
}

describe('upkeep', () => {
  it('packs loose objects, and small packs into a larger one, and gives up no object', async () => {
    const { room, mirror } = await usedMirror();
    const before = { objects: await objectsOf(mirror), ...(await countsOf(mirror)) };
    expect(before.loose).toBeGreaterThan(0);
    expect(before.packs).toBeGreaterThanOrEqual(5);
    await keptUp(room, mirror, 4);
    expect(await objectsOf(mirror)).toEqual(before.objects);
    const { loose, packs } = await countsOf(mirror);
    expect(loose).toBe(0);
    expect(packs).toBeLessThan(before.packs / 2);
    expect((await readdir(join(mirror, 'objects/pack'))).filter((name) => /midx|multi|tmp|lock/.test(name))).toEqual(
      [],
    );
  });

  it('leaves a running task all that it needs: what it staged, committed and dropped, and what it borrows', async () => {
    const { room, mirror, running, target } = await usedMirror();
    const { worktree } = running;
    const dropped = await commitFiles(worktree, { 'dropped.txt': 'dropped\n' });
    await git(worktree, 'reset', '-q', '--hard', 'HEAD~1');
    await write(worktree, { 'staged.txt': 'staged\n' });
    await git(worktree, 'add', '-A');
    // An object folder of its own, as an agent in a container has it.
    const own = join(worktree, '../own');
    await mkdir(join(own, 'info'), { recursive: true });
    await writeFile(join(own, 'info/alternates'), `${join(mirror, 'objects')}\n`);
    const borrowing = ['-c', 'core.multiPackIndex=true'];
    // A git that has looked at all the packs before, and goes on after they are gone.
    const reader = spawn('git', [...borrowing, 'cat-file', '--batch-check'], {
      cwd: worktree,
      env: { PATH: '/usr/bin:/bin', GIT_OBJECT_DIRECTORY: own },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const ask = async (name: string): Promise<string> => {
      const said = once(reader.stdout, 'data');
      reader.stdin.write(`${name}\n`);
      return String((await said)[0]).trim();
    };
    expect(await ask('HEAD:one.txt')).toMatch(/ blob 4$/);
    await keptUp(room, mirror, 4);
    for (const name of ['HEAD:two.txt', 'HEAD:tasks.yaml', `${dropped}:dropped.txt`]) {
      expect(await ask(name)).toMatch(/ blob \d+$/);
    }
    reader.stdin.end();
    await once(reader, 'exit');
    expect(await git(worktree, 'cat-file', '-p', ':staged.txt')).toBe('staged');
    await git(worktree, 'fsck', '--full');
    expect(await stored(room, target, running)).toMatchObject({ changed: true });
  });

  it('is not begun below its limits, nor while the repository is in use, but for very much', async () => {
    const { room } = await usedMirror();
    expect(await room.keepUp()).toEqual([]);
    const inUse = { loose: 1_000, packs: 4, idleMs: 60_000 };
    expect(await room.keepUp(inUse)).toMatchObject([{ kind: 'in-use' }]);
    expect(await room.keepUp({ ...inUse, packs: 1 })).toMatchObject([{ kind: 'done' }]);
  });

  it('goes over what a killed upkeep and a killed fetch left', async () => {
    const { room, mirror } = await usedMirror();
    const pack = join(mirror, 'objects/pack');
    const [name = ''] = (await readdir(pack)).filter((one) => one.endsWith('.pack'));
    const keep = join(pack, name.replace(/\.pack$/, '.keep'));
    const [old, young] = [join(pack, 'tmp_pack_old'), join(pack, 'tmp_pack_young')];
    const locks = [join(mirror, 'objects/maintenance.lock'), join(pack, 'multi-pack-index.lock')];
    for (const path of [...locks, keep, old, young]) await writeFile(path, 'x');
    await utimes(old, 1_000_000, 1_000_000);
    const before = await countsOf(mirror);
    await keptUp(room, mirror, 4);
    for (const path of [...locks, keep, old]) expect(existsSync(path)).toBe(false);
    expect(existsSync(young)).toBe(true);
    // The one that was kept for a fetch is joined with the others again.
    expect((await countsOf(mirror)).packs).toBeLessThan(before.packs / 2);
  });

  it('leaves nothing to do behind small fetches, which are unpacked at once, whole', async () => {
    const { target, person, origin } = await bareOrigin();
    const { room, home } = await newRoom();
    await room.readFileAt(target, await head(person), 'tasks.yaml');
    const mirror = await onlyIn(join(home, 'mirrors'), '.git');
    const commit = await commitFiles(person, { 'small.txt': 'small\n' });
    await git(person, 'push', '-q', origin, 'main');
    expect(await room.readFileAt(target, commit, 'small.txt')).toEqual({ kind: 'file', text: 'small\n' });
    expect(await countsOf(mirror)).toMatchObject({ packs: 0 });
    await git(mirror, 'fsck', '--full');
    expect(await git(mirror, 'cat-file', '-t', commit)).toBe('commit');
  });

  it('ends in time, and says so', async () => {
    const { home, mirror } = await usedMirror();
    const room = createGitRoom({ home, worker: 'test', processHome: home });
    expect(await room.keepUp({ ...ANY, timeoutMs: 1 })).toMatchObject([
      { kind: 'failed', text: expect.stringContaining('ended after 1 ms') },
    ]);
    await keptUp(room, mirror, 1);
  });

  it('is looked after by the worker, which says what it did', async () => {
    const { room, mirror } = await usedMirror();
    const said: string[] = [];
    const log = (message: string): void => void said.push(message);
    expect(await keepUp({ git: { keepUp: () => room.keepUp(ANY) }, log })).toBe(UPKEEP_EVERY_MS);
    expect(said).toEqual(['packed a repository']);
    expect(existsSync(mirror)).toBe(true);
    await keepUp({ git: { keepUp: () => Promise.reject(new Error('no')) }, log });
    expect(said.at(-1)).toBe('upkeep failed; the next look tries again');
  });
});
