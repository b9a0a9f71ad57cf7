/** Runs the built program so that it leaves compiled code for this version of Node in dist/cache. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * The commands that people wait for, each in a run of its own: what V8 has compiled by the end of one is what the next
 * start finds. In an empty home they end early, which leaves all that is compiled on the way there.
 */
const RUNS = [
  ['--help'],
  ['submit', '--json', 'x', '--run', 'true'],
  ['list', '--json'],
  ['wait', '--all'],
  ['show', 'x'],
];

export function warmCache(dist) {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-warm-'));
  try {
    for (const args of RUNS) {
      spawnSync(process.execPath, [join(dist, 'bin/tasks.cjs'), ...args], {
        cwd: folder,
        env: { PATH: process.env.PATH, HOME: folder, TASKS_HOME: join(folder, 'home') },
        stdio: 'ignore',
        timeout: 20_000,
      });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
