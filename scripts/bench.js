#!/usr/bin/env node
/**
 * `npm run bench`: what the engine costs, beside the floor (the same tasks by a plain script with git and the agent
 * alone), in one run on one machine. Prints a table of figures and ratios with the goals beside them; docs/benchmarks.md
 * says what each means.
 * `--help` has the sections and the options.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SECTIONS } from '../bench/sections.js';
import { knownSections, readArguments, wholeNumber } from './arguments.js';

const LEAST_ON_END = 50;
const HELP = `npm run bench: what the engine costs, beside the same tasks by a plain script with git and the agent alone (Linux).
Prints a table of figures and ratios with the goals beside them; docs/benchmarks.md says what each means.

usage: npm run bench -- [SECTION …] [options]

sections (all, when none is named):
  git        git's part of a landing, in repositories of several sizes
  history    the same where many have landed; --on-end is about this one
  queue      the rules of the queue
  rates      landings an hour
  landing    the four above
  sandbox    the sandbox of a phase
  tasks      tasks from their submission to main, and the command line
  waiting    what tasks cost that wait for a person

options:
  --quick         a small part of each
  --on-end N      so many landings one after another in one repository (400; ${LEAST_ON_END} or more)
  --json FILE     writes everything as JSON, too (- for standard output, and nothing else there)
  --profile DIR   writes CPU profiles of the worker's threads there; the figures suffer

examples:
  npm run bench -- --quick
  npm run bench -- landing --json figures.json
`;

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
const { runBench } = await import('../bench/run.js');

const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = realpathSync(mkdtempSync(join(base, 'tributary-bench-')));
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop.abort());
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
  const usage = {
    name: 'bench',
    help: HELP,
    takesWords: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'string' },
      profile: { type: 'string' },
      'on-end': { type: 'string' },
    },
  };
  return readArguments(usage, (values, words) => {
    const given = values['on-end'];
    const onEnd = given === undefined ? null : wholeNumber('--on-end', given, LEAST_ON_END);
    return { options: { ...values, onEnd }, sections: knownSections(words, [...SECTIONS, 'landing']) };
  });
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
