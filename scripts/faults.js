#!/usr/bin/env node
/**
 * `npm run faults -- SECTION …`: the fault suite. Each section prints one table, and what was not right; the program
 * ends with 1 unless there were faults and everything came right, and says how to do the same again. `--help` has the
 * sections and the options (faults-options.js).
 */

import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { readOptions } from './faults-options.js';
import { root } from './sources.js';

const SECTIONS = {
  git: runGit,
  tasks: runTasks,
  points: runPoints,
  zombies: runZombies,
  storms: stormsOf('test/faults/storm-list.ts', 'runStormList'),
  disk: runDisk,
  sleep: stormsOf('test/faults/sleep.ts', 'runSleep'),
  clock: stormsOf('test/faults/clock.ts', 'runClock'),
  versions: runVersions,
  hosts: runHosts,
};
const say = (line) => process.stderr.write(`${line}\n`);

const { sections, options } = readOptions(Object.keys(SECTIONS));
if (process.platform !== 'linux') {
  say('faults: it reads /proc, which is on Linux alone: nothing was killed');
  process.exit(2);
}
// In a mount namespace of its own no mount outlives its processes, however they end.
const ownMounts = process.env['FAULTS_OWN_MOUNTS'] !== undefined;
if (sections.includes('disk') && process.getuid() === 0 && !ownMounts) process.exit(await inOwnMounts());
if (sections.some((name) => name !== 'git')) {
  const installed = spawnSync(process.execPath, [fileURLToPath(new URL('install.js', import.meta.url))], {
    stdio: ['ignore', 2, 2],
  });
  if (installed.status !== 0) process.exit(installed.status ?? 1);
}
// What follows needs what was just installed.
const { rolldown } = await import('rolldown');
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
const folder = realpathSync(mkdtempSync(join(base, 'tributary-faults-')));
// As root the database runs as another user, who has to get through to its data.
chmodSync(folder, 0o711);
const loaded = new Set();
const clear = () => {
  if (ownMounts) unmountBelow(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  for (const file of loaded) rmSync(file, { force: true });
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    say(`faults: ${signal}, clearing up…`);
    for (const name of sections) endStack(join(folder, name, 'home'));
    if (sections.includes('hosts')) endNetwork();
    clear();
    process.exit(130);
  });
}
process.chdir(root);
let code = 0;
try {
  for (const name of sections) {
    const place = join(folder, name);
    mkdirSync(place);
    if (!(await runSection(name, place))) code = 1;
  }
} catch (error) {
  say(`faults: ${error.stack}`);
  code = 1;
} finally {
  clear();
}
process.exit(code);

/** The same program once more; @returns its exit code */
function inOwnMounts() {
  const env = { ...process.env, FAULTS_OWN_MOUNTS: '1' };
  const again = [process.execPath, ...process.argv.slice(1)];
  const child = spawn('unshare', ['--mount', '--propagation', 'private', ...again], { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.once('exit', (status) => resolve(status ?? 1));
    child.once('error', () => resolve(1));
  });
}

/** What was mounted last goes first. */
function unmountBelow(place) {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const below = mounts.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${place}/`));
  for (const path of below.toReversed()) spawnSync('umount', ['--lazy', path]);
}

/** Workers beside the stack end with this process's own end, by their pipe. */
function endStack(home) {
  if (!existsSync(join(home, 'stack.json'))) return;
  const env = { ...process.env, TASKS_HOME: home };
  spawnSync(process.execPath, [join(root, 'dist/bin/tasks.cjs'), 'down'], { env, stdio: 'ignore', timeout: 60_000 });
}

function ip(...args) {
  return spawnSync('ip', ['netns', ...args], { encoding: 'utf8' }).stdout ?? '';
}

/** Its namespaces have this process's id in their names. */
function endNetwork() {
  const names = ip('list')
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '');
  for (const name of names.filter((one) => one.startsWith(`trib-${process.pid}-`))) {
    for (const pid of ip('pids', name).split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    ip('delete', name);
  }
}

/** Prints what came of a section; true when it is good. */
async function runSection(name, place) {
  const begun = Date.now();
  process.stdout.write(`${name}: seed ${options.seed}\n`);
  say(`${name}: in ${place}`);
  const { table, broken, isGood, missing } = await SECTIONS[name](place);
  if (missing !== undefined) {
    process.stdout.write(`${name}: not run: ${missing}\n`);
    return false;
  }
  process.stdout.write(`${table}\n`);
  for (const text of broken) process.stdout.write(`not right: ${text}\n`);
  const seconds = Math.round((Date.now() - begun) / 1_000);
  process.stdout.write(`${name}: ${isGood ? 'good' : 'NOT GOOD'}, ${seconds} s\n`);
  if (!isGood) process.stdout.write(`again: npm run faults -- ${name}${given()}\n`);
  return isGood;
}

function given() {
  const shown = Object.entries(options).filter(
    ([, value]) => value !== undefined && value !== '' && value !== 'states',
  );
  return shown
    .map(([key, value]) =>
      value === true ? ` --${key}` : ` --${key} ${/^[\w-]+$/.test(value) ? value : `'${value}'`}`,
    )
    .join('');
}

async function runGit(place) {
  if (!existsSync('/usr/bin/strace')) return { missing: 'strace is missing (apt-get install strace)' };
  const { runMatrix, report } = await load('test/faults/git-matrix.ts');
  const { seed, only: operation, calls, every = 1, lanes = 2 } = options;
  const program = await bundleVictim(place);
  const isHeld = options.unheld !== true && createRequire(program)(program).canHold();
  process.stdout.write(`${calls}, one of ${every} points, git ${isHeld ? 'held' : 'not held'}\n`);
  const rows = await runMatrix({ operation, calls, every, seed, lanes, isHeld, folder: place, program, say });
  const broken = rows.flatMap((row) => row.broken.map((text) => `${row.operation}: ${text}`));
  return { ...report(rows), broken };
}

async function runTasks(place) {
  const { runTasks: run } = await load('test/faults/tasks.ts');
  const { seed, tasks = 24, kills = 12 } = options;
  return run({ folder: place, seed, tasks, kills, say });
}

async function runPoints(place) {
  const { runPoints: run } = await load('test/faults/points.ts');
  const { seed, only, runs = 1, lanes = 2 } = options;
  return run({ folder: place, seed, only, runs, lanes, say });
}

async function runZombies(place) {
  const { runZombies: run } = await load('test/faults/zombies.ts');
  const { seed, runs = 2 } = options;
  return run({ folder: place, seed, runs, say });
}

/** Sections that are lists of storms. */
function stormsOf(path, name) {
  return async (place, ...more) => {
    const { [name]: run } = await load(path);
    const { seed, only, runs = 1 } = options;
    return run({ folder: place, seed, only, runs, say }, ...more);
  };
}

async function runDisk(place) {
  if (process.getuid() !== 0) return { missing: 'small disks of its own need root' };
  return stormsOf('test/faults/disk.ts', 'runDisk')(place);
}

async function runVersions(place) {
  const { buildPrevious } = await import('./previous-version.js');
  const built = await buildPrevious(options.previous ?? null, join(place, 'previous'), say);
  if (built.missing !== undefined) return built;
  process.stdout.write(`${built.name} beside what is here\n`);
  return stormsOf('test/faults/versions.ts', 'runVersions')(place, built.folder);
}

async function runHosts(place) {
  const { runHosts: run } = await load('test/faults/hosts.ts');
  return run({ folder: place, seed: options.seed, only: options.only, say });
}

/** The engine's git room and the operations, as one program. */
async function bundleVictim(place) {
  const build = await rolldown({
    input: join(root, 'test/faults/git-victim.ts'),
    platform: 'node',
    logLevel: 'silent',
  });
  const file = join(place, 'git-victim.cjs');
  await build.write({ file, format: 'cjs', codeSplitting: false });
  await build.close();
  return file;
}

/** A module of the tests, which are TypeScript. */
async function load(path) {
  const build = await rolldown({ input: join(root, path), platform: 'node', external: [/^[^./]/] });
  // Beside its source, so that it finds packages and files as that does.
  const file = join(root, path).replace(/\.ts$/, `.${process.pid}.mjs`);
  loaded.add(file);
  try {
    await build.write({ file, format: 'es', codeSplitting: false, comments: false });
    return await import(pathToFileURL(file).href);
  } finally {
    await build.close();
    rmSync(file, { force: true });
    loaded.delete(file);
  }
}
