#!/usr/bin/env node
/**
 * `npm run bench`: what the engine costs, beside the floor (the same tasks by a plain script with git and the agent
 * alone), in one run on one machine. Prints a table of figures and ratios with the goals beside them; docs/benchmarks.md
 * says what each means.
 *
 *   SECTION …       only these: git, history, queue, rates (landings an hour), sandbox, tasks, waiting; landing: the first four
 *   --on-end N      history: so many landings one after another in one repository (400)
 *   --quick         a small part of each
 *   --json FILE     writes everything as JSON too (- for standard output, and nothing else there)
 *   --profile DIR   writes CPU profiles of the worker's threads there; the figures suffer
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { options, sections } = readOptions();
const say = (line) => process.stderr.write(`${line}\n`);

if (process.platform !== 'linux') {
  say('bench: it reads /proc, which is on Linux alone');
  process.exit(2);
}
const installed = spawnSync(process.execPath, [here('install.js')], { stdio: ['ignore', 2, 2] });
if (installed.status !== 0) process.exit(installed.status ?? 1);
// What follows needs what was just installed.
const { runBench, SECTION_NAMES } = await import('../bench/run.js');
const unknown = sections.filter((name) => !SECTION_NAMES.includes(name));
if (unknown.length > 0) {
  say(`bench: ${unknown.join(' ')}: no such section; there are ${SECTION_NAMES.join(' ')}`);
  process.exit(2);
}

const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = realpathSync(mkdtempSync(join(base, 'tributary-bench-')));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => stop.abort());
if (options.profile !== undefined) mkdirSync(resolve(options.profile), { recursive: true });

try {
  const { result, table } = await runBench({
    folder,
    quick: options.quick,
    sections,
    onEnd: options.onEnd,
    profile: options.profile === undefined ? null : resolve(options.profile),
    signal: stop.signal,
    say,
  });
  const json = `${JSON.stringify({ revision: revision(), onTmpfs: base === '/dev/shm', ...result })}\n`;
  if (options.json === '-') process.stdout.write(json);
  else process.stdout.write(`${table}\n`);
  if (options.json !== undefined && options.json !== '-') {
    mkdirSync(dirname(resolve(options.json)), { recursive: true });
    writeFileSync(options.json, json);
  }
} catch (error) {
  say(stop.signal.aborted ? 'bench: stopped' : `bench: ${error.stack}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}

function readOptions() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        json: { type: 'string' },
        profile: { type: 'string' },
        'on-end': { type: 'string' },
      },
    });
    const onEnd = values['on-end'] === undefined ? null : Number(values['on-end']);
    if (onEnd !== null && !(Number.isInteger(onEnd) && onEnd >= 50)) throw new Error('--on-end is 50 or more');
    return { options: { ...values, onEnd }, sections: positionals };
  } catch (error) {
    process.stderr.write(
      `bench: ${error.message}\nusage: npm run bench [-- SECTION … --quick] [--on-end N] [--json FILE] [--profile DIR]\n`,
    );
    process.exit(2);
  }
}

/** Null outside a clone. */
function revision() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], {
      cwd: here('..'),
      encoding: 'utf8',
    }).trim();
  } catch {
    return null;
  }
}
