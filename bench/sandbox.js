/**
 * What the sandbox costs a phase: the engine's own process room (built from src/process) starts `/bin/true` with a PID
 * namespace alone, in a sandbox without a network, and in one that reaches hosts by the worker's proxy; in turns, so that
 * all see the same machine. Each has the state of a task's mounts: worktree, task folder, home, and the mirror's parts.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { bundled } from './bundle.js';
import { measureHeldGit } from './held-git.js';
import { median } from './numbers.js';

const FOLDERS = ['worktree', 'task', 'home', 'mirror', 'admin', 'refs', 'objects'];

/**
 * @param {{ folder: string, runs: number }} options
 * @returns {Promise<{ plainMs: number, noneMs: number, proxyMs: number, git: Awaited<ReturnType<typeof measureHeldGit>> } | null>}
 *   medians; null where there is no sandbox
 */
export async function measureSandbox({ folder, runs }) {
  const { createProcessRoom } = await bundled(folder, '../src/process/room.ts');
  const home = join(folder, 'state');
  const tmp = join(folder, 'tmp');
  const gitFolder = join(folder, 'git');
  for (const path of [home, tmp, gitFolder]) mkdirSync(path);
  const bridge = fileURLToPath(new URL('../dist/worker/network-bridge.js', import.meta.url));
  const starter = fileURLToPath(new URL('../dist/worker/process-starter.js', import.meta.url));
  const room = await createProcessRoom({ home, bridge, starter });
  try {
    if (room.sandbox.kind !== 'works') return null;
    const paths = FOLDERS.map((name) => join(folder, name));
    for (const path of paths) mkdirSync(path);
    const mounts = paths.map((path, index) => ({ from: path, to: path, write: index < 3 }));
    const ways = {
      plain: null,
      none: { mounts, read: [], tmp, network: 'none' },
      proxy: { mounts, read: [], tmp, network: { hosts: ['*'] } },
    };
    const times = { plain: [], none: [], proxy: [] };
    for (let run = 0; run <= runs; run += 1) {
      for (const [name, sandbox] of Object.entries(ways)) times[name].push(await timeOf(room, paths[0], home, sandbox));
    }
    // The first of each looks at the system.
    for (const list of Object.values(times)) list.shift();
    const git = await measureHeldGit({ folder: gitFolder, runs, confined: room.confined });
    return { plainMs: median(times.plain), noneMs: median(times.none), proxyMs: median(times.proxy), git };
  } finally {
    await room.close();
  }
}

async function timeOf(room, cwd, home, sandbox) {
  const begunMs = performance.now();
  const end = await room.run({
    argv: ['/bin/true'],
    cwd,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
    tag: 'bench/1',
    outputFile: join(home, 'output'),
    maxOutputBytes: 1024,
    onLine: null,
    idleTimeoutMs: 60_000,
    totalTimeoutMs: 60_000,
    sandbox,
    signal: new AbortController().signal,
  });
  if (end.kind !== 'exited' || end.code !== 0) throw new Error(`/bin/true: ${JSON.stringify(end)}`);
  return performance.now() - begunMs;
}
