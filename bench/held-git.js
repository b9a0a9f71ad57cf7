/**
 * What it costs that git is held where it looks at a worktree: the git of an attempt (a workspace is made, a file changed, the
 * work stored and pushed) by two rooms of the engine, one with a sandbox for each such command and one without; in turns.
 */

import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { bundled } from './bundle.js';
import { median } from './numbers.js';
import { makeOrigin } from './repository.js';

const PROJECT = 'bench';
const AUTHOR = { name: 'Bench', email: 'bench@example.invalid' };

/**
 * @param {{ folder: string, runs: number, confined: Function }} options
 * @returns {Promise<{ plainMs: Parts, heldMs: Parts }>} medians; Parts is { make: number, store: number }
 */
export async function measureHeldGit({ folder, runs, confined }) {
  const { createGitRoom } = await bundled(folder, '../src/git/room.ts');
  const ways = {
    plain: null,
    held: (argv, reach) => confined({ argv, ...reach, hidden: [] }),
  };
  const rooms = Object.entries(ways).map(([name, confine]) => {
    const origin = makeOrigin({ path: join(folder, `${name}.git`), project: PROJECT, files: 100, branches: [] });
    const home = join(folder, `${name}-home`);
    mkdirSync(home);
    return { name, origin, room: createGitRoom({ home, worker: 'bench', confine }) };
  });
  const times = Object.fromEntries(rooms.map(({ name }) => [name, { make: [], store: [] }]));
  const stores = [];
  for (let run = 0; run <= runs; run += 1) {
    // In turns: a workspace by each room, and then what was changed there, by each.
    for (const { name, origin, room } of rooms) {
      const target = { project: PROJECT, origin, branch: 'main' };
      const taskId = `bench${String(run).padStart(5, '0')}`;
      const begunMs = performance.now();
      const prepared = await room.prepareWorkspace({ ...target, taskId, attempt: 1, start: { kind: 'main' } });
      if (prepared.kind !== 'ready') throw new Error(`not prepared: ${JSON.stringify(prepared)}`);
      if (run > 0) times[name].make.push(performance.now() - begunMs);
      stores.push({ run, name, origin, room, workspace: prepared.workspace });
    }
  }
  // Git looks twice at files that are as young as its index; no agent is so fast.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  for (const { run, name, origin, room, workspace } of stores) {
    appendFileSync(join(workspace.worktree, 'changed'), `${run}\n`);
    const asked = { workspace, attempt: 1, message: 'Attempt 1', author: AUTHOR, confirmedAttempt: null };
    const begunMs = performance.now();
    const stored = await room.storeWorkspace({ project: PROJECT, origin, ...asked });
    if (stored.kind !== 'stored') throw new Error(`not stored: ${JSON.stringify(stored)}`);
    if (run > 0) times[name].store.push(performance.now() - begunMs);
  }
  // The first of each makes its repositories.
  const medians = (name) => ({ make: median(times[name].make), store: median(times[name].store) });
  return { plainMs: medians('plain'), heldMs: medians('held') };
}
