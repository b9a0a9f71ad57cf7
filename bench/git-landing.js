/**
 * What git costs a landing: the engine's own git room (built from src/git), next to the raw commands that no landing can
 * do without: fetch main and the task's ref, merge-tree, commit-tree, push with a lease that deletes the ref. In turns,
 * so that both see the same machine. Each begins with the task's ref on the origin and ends with main moved.
 */

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import { bundled } from './bundle.js';
import { watchLock } from './lock-watch.js';
import { cpuOf } from './machine.js';
import { mean, median } from './numbers.js';
import { addBranches, countLandings, git, GIT_ENV, makeOrigin } from './repository.js';

const ZERO_GATE = { setup: null, commands: [{ name: 'gate', run: 'true', timeoutMs: 60_000 }], hash: '0'.repeat(64) };

const PROJECT = 'bench';
const TARGET = { project: PROJECT, branch: 'main' };
/** So many stand on the same main. */
const RECENT = 20;
/** As often as a worker looks when ten land in six seconds. */
const KEPT_UP_EVERY = 500;
const MOST_COMPARED = 1_000;
const ROOM = '../src/git/room.ts';

/**
 * @param {{ folder: string, files: number, landings: number }} options
 * @returns medians, in milliseconds: all git of a landing, the gate's checkout apart; the push with what is looked at
 *   before and after it; how long the landing repository's lock file is there, and the lock of the origin's main
 */
export async function measureGitLanding({ folder, files, landings }) {
  const { createGitRoom } = await bundled(folder, ROOM);
  const ids = idsOf(landings + 1);
  const origins = ['engine', 'raw'].map((name) =>
    makeOrigin({ path: join(folder, `${name}.git`), project: PROJECT, files, branches: ids }),
  );
  const land = engineLanding(roomIn(createGitRoom, join(folder, 'home')), { ...TARGET, origin: origins[0] });
  const rawLand = rawLanding(origins[1], join(folder, 'raw'));

  const runs = [];
  const raws = [];
  // The first of each makes its repository.
  await land(ids[0]);
  await rawLand(ids[0]);
  const watches = watchesOf(join(folder, 'home'), origins);
  for (const id of ids.slice(1)) {
    const run = await land(id);
    const held = await watches.held();
    const rawMs = await rawLand(id);
    raws.push({ rawMs, refMs: (await watches.held()).rawRefMs });
    runs.push({ ...run, ...held });
  }
  watches.close();
  for (const origin of origins) checkLanded(origin, ids.length);
  const middle = (read) => median(runs.map(read));
  return {
    files,
    landings,
    engineMs: middle(({ landMs }) => landMs),
    rawMs: median(raws.map(({ rawMs }) => rawMs)),
    gateCheckoutMs: middle(({ gateMs }) => gateMs),
    pushMs: middle(({ pushMs }) => pushMs),
    lockMs: middle(({ lockMs }) => lockMs),
    refMs: middle(({ refMs }) => refMs),
    rawRefMs: median(raws.map(({ refMs }) => refMs)),
  };
}

/**
 * The same landings on a main where many have landed before, and on one without, in turns; and many on end in one
 * repository, the last against the first.
 *
 * @param {{ folder: string, landings: number, history: number, onEnd: number }} options
 */
export async function measureGitHistory({ folder, landings, history, onEnd }) {
  const { createGitRoom } = await bundled(folder, ROOM);
  const ids = idsOf(landings + 1);
  const begin = (name, options) => {
    const origin = makeOrigin({ path: join(folder, `${name}.git`), project: PROJECT, files: 10, ...options });
    return engineLanding(roomIn(createGitRoom, join(folder, `${name}-home`)), { ...TARGET, origin });
  };
  const fresh = begin('fresh', { branches: ids });
  const old = begin('old', { branches: ids, history });
  const pairs = [];
  for (const id of ids) pairs.push([(await fresh(id)).landMs, (await old(id)).landMs]);
  pairs.shift();
  return {
    landings,
    history,
    freshMs: median(pairs.map(([ms]) => ms)),
    oldMs: median(pairs.map(([, ms]) => ms)),
    ratio: median(pairs.map(([before, after]) => after / before)),
    onEnd,
    ...(await measureOnEnd(createGitRoom, folder, onEnd)),
  };
}

/** The last of many landings in one repository, in turns with the first of a new one: in so long a time the machine is not the same. */
async function measureOnEnd(createGitRoom, folder, onEnd) {
  const part = Math.min(MOST_COMPARED, Math.floor(onEnd / 5));
  const beginLong = (name, landings) => longLine({ createGitRoom, folder, name, ids: idsOf(landings) });
  const long = beginLong('long', onEnd);
  while (long.landed() < onEnd - part) await long.land();
  // Its first makes its repositories.
  const young = beginLong('young', part + 1);
  await young.land();
  const turns = [];
  while (turns.length < part) turns.push([await young.land(), await long.land()]);
  return { part, firstMs: mean(turns.map(([ms]) => ms)), lastMs: mean(turns.map(([, ms]) => ms)) };
}

/** Landings on end in a repository of its own, with the upkeep that a worker does beside them and what an origin's host does. */
function longLine({ createGitRoom, folder, name, ids }) {
  const origin = makeOrigin({ path: join(folder, `${name}.git`), project: PROJECT, files: 10 });
  const room = roomIn(createGitRoom, join(folder, `${name}-home`));
  const landOne = engineLanding(room, { ...TARGET, origin });
  let at = 0;
  return {
    landed: () => at,
    /** Lands the next one. @returns the milliseconds of processor that it took, with the upkeep when it is time for that */
    land: async () => {
      if (at % RECENT === 0) addBranches(origin, ids.slice(at, at + RECENT), ids.slice(Math.max(0, at - RECENT), at));
      const isTime = at % KEPT_UP_EVERY === KEPT_UP_EVERY - 1;
      if (isTime) packOrigin(origin);
      const begunMs = cpuSoFar();
      if (isTime) await room.keepUp();
      await landOne(ids[at]);
      at += 1;
      return cpuSoFar() - begunMs;
    },
  };
}

/** What the host of a repository does for it now and then: nobody else does. */
function packOrigin(origin) {
  git(origin, ['repack', '-d', '--geometric=2', '--quiet']);
}

/** Of this process and of those that it has started, in milliseconds. */
function cpuSoFar() {
  const { own, children } = cpuOf(process.pid);
  return own + children;
}

function idsOf(count) {
  return Array.from({ length: count }, (_, index) => `bench${String(index).padStart(5, '0')}`);
}

function roomIn(createGitRoom, home) {
  mkdirSync(home);
  return createGitRoom({ home, worker: 'bench' });
}

function checkLanded(origin, wanted) {
  const landed = countLandings(origin);
  if (landed !== wanted) throw new Error(`${origin}: ${landed} of ${wanted} landed`);
}

function watchesOf(home, [engine, raw]) {
  const landing = join(home, 'landing');
  const [repository] = readdirSync(landing).filter((name) => name.endsWith('.git'));
  const lock = watchLock(landing, `${repository}.lock`);
  const ref = watchLock(join(engine, 'refs/heads'), 'main.lock');
  const rawRef = watchLock(join(raw, 'refs/heads'), 'main.lock');
  return {
    held: async () => {
      // What the kernel has told already is heard first.
      for (let round = 0; round < 3; round += 1) await turn();
      return { lockMs: lock.take(), refMs: ref.take(), rawRefMs: rawRef.take() };
    },
    close: () => [lock, ref, rawRef].forEach((one) => one.close()),
  };
}

function engineLanding(room, target) {
  return async (id) => {
    const ref = `refs/tasks/${id}/1/head`;
    const [head, base] = git(target.origin, ['rev-parse', ref, `${ref}^`]).split('\n');
    const item = {
      taskId: id,
      attempt: 1,
      head,
      base,
      title: `task ${id}`,
      summary: 'as planned',
      author: { name: 'Bench', email: 'bench@example.invalid' },
      enqueuedAtMs: Date.now(),
    };
    const begunMs = performance.now();
    const built = await room.buildCandidate(target, item, () => ({ kind: 'ok', gate: ZERO_GATE }));
    const builtMs = performance.now();
    if (built.kind !== 'candidate') throw new Error(`no candidate: ${JSON.stringify(built)}`);
    const worktree = await room.gateWorktree(target, item, built.candidate);
    await worktree.release();
    const checkedOutMs = performance.now();
    const landed = await room.land(target, item, built.candidate);
    if (landed.kind !== 'landed') throw new Error(`not landed: ${JSON.stringify(landed)}`);
    const pushMs = performance.now() - checkedOutMs;
    return { landMs: builtMs - begunMs + pushMs, pushMs, gateMs: checkedOutMs - builtMs };
  };
}

function rawLanding(origin, folder) {
  mkdirSync(folder);
  git(folder, ['init', '--quiet', '--bare']);
  const run = (...args) =>
    new Promise((resolve, reject) => {
      execFile('git', ['-c', 'gc.auto=0', ...args], { cwd: folder, env: GIT_ENV }, (error, out) =>
        error === null ? resolve(out.trim()) : reject(error),
      );
    });
  let main = git(origin, ['rev-parse', 'main']);
  return async (id) => {
    const ref = `refs/tasks/${id}/1/head`;
    const begunMs = performance.now();
    await run(
      'fetch',
      '--quiet',
      '--no-tags',
      '--no-write-fetch-head',
      origin,
      '+refs/heads/main:refs/main',
      `${ref}:${ref}`,
    );
    const tree = await run('merge-tree', '--write-tree', 'refs/main', ref);
    const commit = await run('commit-tree', tree, '-p', 'refs/main', '-p', ref, '-m', `task ${id}`);
    const lease = `--force-with-lease=refs/heads/main:${main}`;
    await run('push', '--quiet', '--no-verify', '--atomic', lease, origin, `${commit}:refs/heads/main`, `:${ref}`);
    main = commit;
    return performance.now() - begunMs;
  };
}
