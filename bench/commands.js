/** Whole commands against `node -e 0`, in turns: what a person waits for. */

import { spawnSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { CLI, environmentOf } from '../demo/tasks-cli.js';
import { median } from './numbers.js';

/**
 * @param {{ home: string, cwd: string, pairs: number, settle: (output: string) => Promise<void> }} options `settle`: waits
 *   until the engine is idle again after a submission
 */
export async function measureCommands({ home, cwd, pairs, settle }) {
  const env = environmentOf(home);
  const time = (args) => {
    const begunMs = performance.now();
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, env, encoding: 'utf8' });
    const ms = performance.now() - begunMs;
    if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
    return { ms, stdout };
  };
  const commands = {
    help: ['--help'],
    list: ['list', '--json'],
    submit: ['submit', 'Do nothing', '--run', 'true', '--json'],
  };
  const figures = {};
  for (const [name, args] of Object.entries(commands)) {
    const own = [];
    const bare = [];
    // The first pair fills caches.
    for (let pair = 0; pair <= pairs; pair += 1) {
      const nothing = time(['-e', '0']);
      const whole = time([CLI, ...args]);
      if (name === 'submit') await settle(whole.stdout);
      if (pair === 0) continue;
      own.push(whole.ms);
      bare.push(nothing.ms);
    }
    figures[name] = { ms: median(own), nodeMs: median(bare), ratio: median(own.map((ms, index) => ms / bare[index])) };
  }
  return figures;
}
