#!/usr/bin/env node
/**
 * `npm run faults -- git`: cuts every operation of the engine with git off at every system call, and sees that it heals.
 * Prints one table; ends with 1 unless there were kills and all of them healed.
 *
 *   --operation NAME   only those whose names contain this
 *   --calls WHICH      all: every system call; states (the default): of those between which nothing changes that a kill
 *                      could leave behind, the first
 *   --every N          one of N points (1)
 *   --seed N           which points of those, and which kills take the engine along; printed
 *   --lanes N          so many side by side (2)
 */

import { existsSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { rolldown } from 'rolldown';
import { root } from './sources.js';

const USAGE =
  'usage: npm run faults -- git [--operation NAME] [--calls all|states] [--every N] [--seed N] [--lanes N]\n';
const say = (line) => process.stderr.write(`${line}\n`);

const options = readOptions();
if (!existsSync('/usr/bin/strace')) {
  say('faults: strace is missing (apt-get install strace): nothing was killed');
  process.exit(2);
}
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = realpathSync(mkdtempSync(join(base, 'tributary-faults-')));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    process.exit(130);
  });
}
try {
  const { runMatrix, report } = await load('test/faults/git-matrix.ts');
  process.stdout.write(`seed ${options.seed}, ${options.calls}, one of ${options.every} points\n`);
  const rows = await runMatrix({ ...options, folder, program: await bundleVictim(), say });
  const { table, isGood } = report(rows);
  process.stdout.write(`${table}\n`);
  for (const { operation, broken } of rows) {
    for (const text of broken) process.stdout.write(`not healed: ${operation}: ${text}\n`);
  }
  const again = `npm run faults -- git --seed ${options.seed} --calls ${options.calls} --every ${options.every}`;
  if (!isGood) process.stdout.write(`again: ${again}${options.operation && ` --operation '${options.operation}'`}\n`);
  process.exitCode = isGood ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The engine's git room and the operations, as one program. */
async function bundleVictim() {
  const build = await rolldown({
    input: join(root, 'test/faults/git-victim.ts'),
    platform: 'node',
    logLevel: 'silent',
  });
  const file = join(folder, 'git-victim.cjs');
  await build.write({ file, format: 'cjs', codeSplitting: false });
  await build.close();
  return file;
}

/** A module of the tests, which are TypeScript. */
async function load(path) {
  const build = await rolldown({ input: join(root, path), platform: 'node', external: [/^[^./]/] });
  // Beside its source, so that it finds packages and files as that does.
  const file = join(root, path).replace(/\.ts$/, `.${process.pid}.mjs`);
  try {
    await build.write({ file, format: 'es', codeSplitting: false });
    return await import(pathToFileURL(file).href);
  } finally {
    await build.close();
    rmSync(file, { force: true });
  }
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        operation: { type: 'string', default: '' },
        calls: { type: 'string', default: 'states' },
        every: { type: 'string', default: '1' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        lanes: { type: 'string', default: '2' },
      },
    });
    if (positionals.length !== 1 || positionals[0] !== 'git') throw new Error('say what: git');
    if (!['all', 'states'].includes(values.calls)) throw new Error('--calls is all or states');
    const number = (name) => {
      const value = Number(values[name]);
      if (!Number.isInteger(value) || value < (name === 'seed' ? 0 : 1)) throw new Error(`--${name} is a whole number`);
      return value;
    };
    return {
      operation: values.operation,
      calls: values.calls,
      every: number('every'),
      seed: number('seed'),
      lanes: number('lanes'),
    };
  } catch (error) {
    process.stderr.write(`faults: ${error.message}\n${USAGE}`);
    process.exit(2);
  }
}
