/**
 * What git costs a landing: the engine's own git room (built from src/git), next to the raw commands that no landing can
 * do without: fetch main and the task's ref, merge-tree, commit-tree, push with a lease that deletes the ref. In turns,
 * so that both see the same machine. Each begins with the task's ref on the origin and ends with main moved.
 */

import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { median } from './numbers.js';
import { countLandings, git, GIT_ENV, makeOrigin } from './repository.js';

const ZERO_GATE = { setup: null, commands: [{ name: 'gate', run: 'true', timeoutMs: 60_000 }], hash: '0'.repeat(64) };

/**
 * @param {{ folder: string, files: number, landings: number }} options
 * @returns {Promise<{ files: number, engineMs: number, rawMs: number, gateCheckoutMs: number }>} medians
 */
export async function measureGitLanding({ folder, files, landings }) {
  const createGitRoom = await buildGitRoom(folder);
  const ids = Array.from({ length: landings + 1 }, (_, index) => `bench${String(index).padStart(5, '0')}`);
  const project = 'bench';
  const origins = ['engine', 'raw'].map((name) =>
    makeOrigin({ path: join(folder, `${name}-${files}.git`), project, files, branches: ids }),
  );
  const home = join(folder, `home-${files}`);
  mkdirSync(home);
  const land = engineLanding(createGitRoom({ home, worker: 'bench' }), { project, branch: 'main', origin: origins[0] });
  const rawLand = rawLanding(origins[1], join(folder, `raw-${files}`));

  const times = { engine: [], raw: [], gate: [] };
  for (const id of ids) {
    const { landMs, gateMs } = await land(id);
    times.engine.push(landMs);
    times.gate.push(gateMs);
    times.raw.push(await rawLand(id));
  }
  // The first of each makes its repository.
  for (const list of Object.values(times)) list.shift();
  for (const origin of origins) {
    const landed = countLandings(origin);
    if (landed !== ids.length) throw new Error(`${origin}: ${landed} of ${ids.length} landed`);
  }
  return { files, engineMs: median(times.engine), rawMs: median(times.raw), gateCheckoutMs: median(times.gate) };
}

function engineLanding(room, target) {
  const base = git(target.origin, ['rev-parse', 'main']);
  return async (id) => {
    const item = {
      taskId: id,
      attempt: 1,
      head: git(target.origin, ['rev-parse', `refs/tasks/${id}/1/head`]),
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
    return { landMs: builtMs - begunMs + (performance.now() - checkedOutMs), gateMs: checkedOutMs - builtMs };
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

/** The room as the worker has it, bundled. */
async function buildGitRoom(folder) {
  const { build } = await import('rolldown');
  const file = join(folder, 'git-room.cjs');
  await build({
    input: fileURLToPath(new URL('../src/git/room.ts', import.meta.url)),
    platform: 'node',
    logLevel: 'silent',
    output: { file, format: 'cjs', codeSplitting: false },
  });
  return createRequire(import.meta.url)(file).createGitRoom;
}
