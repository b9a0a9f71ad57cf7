/** Control groups of version 2, where this account may make some at their very top: the worker is a process of its own there. */

import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { chown, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';
import { GUARD, STARTER } from './rig.ts';

const ROOT = '/sys/fs/cgroup';
const MIB = 1024 * 1024;
const NOBODY = 65_534;
/** At the very top there is no type; and it gives what is wanted, as where systemd runs. */
const isHere =
  process.getuid?.() === 0 &&
  existsSync(`${ROOT}/cgroup.controllers`) &&
  !existsSync(`${ROOT}/cgroup.type`) &&
  ['memory', 'pids', 'cpu'].every((name) => readFileSync(`${ROOT}/cgroup.subtree_control`, 'utf8').includes(name));
const test = isHere ? it : it.skip;

interface Seen {
  readonly results: readonly {
    readonly kind: string;
    readonly tail: string;
    readonly limit?: string;
    readonly message?: string;
  }[];
  readonly held: {
    readonly by: string | null;
    readonly memory: boolean;
    readonly cpus: boolean;
    readonly lacks: { readonly why: string } | null;
  };
  /** The worker's own group, with trees and after them. */
  readonly during: string;
  readonly after: string;
}

interface Run {
  readonly argv: readonly string[];
  readonly limits?: { readonly memoryBytes?: number };
}

const OWN: Run = { argv: ['cat', '/proc/self/cgroup'] };
let module: string;
let other: ChildProcess | null = null;
const made: string[] = [];

beforeAll(async () => {
  const folder = await tempFolder('room');
  await chown(folder, NOBODY, NOBODY).catch(() => undefined);
  module = join(folder, 'room.mjs');
  const entry = resolve(import.meta.dirname, '../../src/process/room.ts');
  const options = { bundle: true, platform: 'node', format: 'esm', logLevel: 'error' } as const;
  await build({ ...options, entryPoints: [entry], outfile: module });
});
afterEach(async () => {
  if (other !== null) {
    const exit = once(other, 'exit');
    other.kill('SIGKILL');
    await exit;
  }
  other = null;
  // A group of which nothing is left can be removed: what a worker leaves fails here.
  for (const folder of made.splice(0).toReversed()) await eventually(`${folder} to be empty`, () => gone(folder));
});

async function gone(folder: string): Promise<boolean> {
  return rmdir(folder).then(
    () => true,
    () => false,
  );
}

/** A new group at the top, or below one. */
async function group(name: string, above = ROOT): Promise<string> {
  const folder = join(above, above === ROOT ? `test-${process.pid}-${name}` : name);
  await mkdir(folder);
  made.push(folder);
  return folder;
}

/** As systemd does it: the folder, and of its files these alone. */
async function giveTo(user: number, folder: string): Promise<void> {
  for (const file of ['', 'cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads'])
    await chown(join(folder, file), user, user);
}

/** @param waiting who waits for the worker in its group: nobody, or a shell of which the worker knows, or does not */
async function work(
  folder: string,
  runs: readonly Run[] = [OWN],
  user = 0,
  waiting: 'nobody' | 'known' | 'unknown' = 'nobody',
): Promise<Seen> {
  const home = await tempFolder('home');
  await chown(home, user, user);
  const script = resolve(import.meta.dirname, 'grouped.js');
  // As a service is started: it is in its group, and has its account, before it runs.
  const account = user === 0 ? '' : `setpriv --reuid ${user} --regid ${user} --clear-groups`;
  const enter = `echo $$ > '${folder}/cgroup.procs' && ${waiting === 'nobody' ? `exec ${account} "$@"` : '"$@"; exit $?'}`;
  const command = ['-c', enter, 'sh', process.execPath, script, module, home, JSON.stringify(runs)];
  const parent = waiting === 'known' ? { PARENT: 'yes' } : {};
  const env = { ...process.env, STARTER, GUARD, ...parent, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)('sh', command, { env, timeout: 50_000 });
  return JSON.parse(stdout) as Seen;
}

const pathOf = (folder: string): string => folder.slice(ROOT.length);
const isIn = (seen: Seen, folder: string): void => {
  const tree = seen.results[0]?.tail.trim().replace('0::', '') ?? '';
  expect(tree.startsWith(`${pathOf(folder)}/tributary-`)).toBe(true);
  expect(tree).toMatch(/\/tributary-\d+-\d+\/run-1$/);
};
/** Nothing is given any more, and no group is left but these. */
async function expectLeft(folder: string, ...names: string[]): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true });
  expect(entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)).toEqual(names);
  if (names.length === 0) expect(await readFile(join(folder, 'cgroup.subtree_control'), 'utf8')).not.toMatch(/\w/);
}

const refuses = async (folder: string, user: number, why: string): Promise<void> => {
  const seen = await work(folder, [OWN], user);
  expect(seen.held).toMatchObject({ memory: false, cpus: false, lacks: { why } });
  expect(seen.held.by).toBe(user === 0 ? null : 'limit');
  for (const path of [seen.during, seen.after]) expect(path).toBe(pathOf(folder));
  expect(seen.results[0]).toMatchObject({ kind: 'exited', tail: `0::${pathOf(folder)}\n` });
  await expectLeft(folder);
};

describe('control groups of version 2', () => {
  const HELD = { by: 'cgroup', memory: true, cpus: true, lacks: null };

  test('hold the trees of a worker that is alone in its group, which leaves it for one below and comes back', async () => {
    const folder = await group('alone');
    const seen = await work(folder);
    expect(seen.held).toEqual(HELD);
    isIn(seen, folder);
    expect(seen.during).toBe(`${pathOf(folder)}/tributary-worker`);
    expect(seen.after).toBe(pathOf(folder));
    await expectLeft(folder);
  });

  test('hold those of a worker that knows who waits for it in its group, and takes that along', async () => {
    const folder = await group('known');
    const seen = await work(folder, [OWN], 0, 'known');
    expect(seen.held).toEqual(HELD);
    isIn(seen, folder);
    expect(seen.after).toBe(pathOf(folder));
    await expectLeft(folder);
  });

  test('are done without where a worker does not know who waits for it in its group', async () => {
    const folder = await group('unknown');
    const seen = await work(folder, [OWN], 0, 'unknown');
    const why = `1 other process is in its control group ${folder}`;
    expect(seen.held).toMatchObject({ by: null, memory: false, lacks: { why } });
    expect(seen.during).toBe(pathOf(folder));
  });

  test('hold those of a worker whose group is named for it, beside that', async () => {
    const folder = await group('named');
    const leaf = await group('tributary-worker', folder);
    const seen = await work(leaf);
    expect(seen.held).toEqual(HELD);
    isIn(seen, folder);
    expect(seen.after).toBe(pathOf(leaf));
    await expectLeft(folder, 'tributary-worker');
  });

  test('hold those of an ordinary account to which the group was given', async () => {
    const folder = await group('given');
    await giveTo(NOBODY, folder);
    const seen = await work(folder, [OWN], NOBODY);
    expect(seen.held).toEqual(HELD);
    isIn(seen, folder);
    expect(seen.after).toBe(pathOf(folder));
    await expectLeft(folder);
  });

  test('are done without, by name, for an ordinary account to which nothing was given', async () => {
    const folder = await group('not-given');
    await refuses(folder, NOBODY, `this account may not write ${folder}`);
  });

  test('are done without, by name, where somebody else is in the group, who stays', async () => {
    const folder = await group('shared');
    other = spawn('sleep', ['60'], { stdio: 'ignore' });
    await writeFile(join(folder, 'cgroup.procs'), String(other.pid));
    await refuses(folder, 0, `1 other process is in its control group ${folder}`);
    expect(await readFile(join(folder, 'cgroup.procs'), 'utf8')).toBe(`${other.pid}\n`);
  });

  test('are done without, by name, in a group that threads are spread over', async () => {
    const folder = await group('domain');
    await writeFile(join(await group('threaded', folder), 'cgroup.type'), 'threaded');
    const seen = await work(folder);
    expect(seen.held).toMatchObject({
      by: null,
      lacks: { why: `the control group ${folder} is of type "domain threaded"` },
    });
    await expectLeft(folder, 'threaded');
  });

  test('hold what they can where the one above gives no memory, and say so', async () => {
    const above = await group('above');
    await writeFile(join(above, 'cgroup.subtree_control'), '+pids +cpu');
    const folder = await group('below', above);
    const seen = await work(folder);
    const lacks = { why: `${folder}/cgroup.controllers has no memory` };
    expect(seen.held).toMatchObject({ by: 'cgroup', memory: false, cpus: true, lacks });
    isIn(seen, folder);
    await expectLeft(folder);
  });

  test('end what takes more memory than it may by the name of that, and what runs beside it goes on', async () => {
    const folder = await group('memory');
    const limits = { memoryBytes: 200 * MIB };
    const hog = {
      argv: [process.execPath, '-e', `Buffer.alloc(1024 * ${MIB}, 1); setInterval(() => {}, 1000)`],
      limits,
    };
    const seen = await work(folder, [hog, { argv: ['sh', '-c', 'sleep 3; exit 3'], limits }]);
    expect(seen.results[0]).toMatchObject({ kind: 'over-limit', limit: 'too-much-memory' });
    const took = Number(/^it took (\d+) MiB/.exec(seen.results[0]?.message ?? '')?.[1]);
    expect(took).toBeGreaterThanOrEqual(200);
    expect(took).toBeLessThanOrEqual(289);
    expect(seen.results[1]).toMatchObject({ kind: 'exited', code: 3 });
    await expectLeft(folder);
  });

  test('refuse a tree one process more than three quarters of all, and name that', async () => {
    const folder = await group('processes');
    const many = 'i=0; while [ $i -lt 500 ]; do sleep 61 & i=$((i + 1)); done; exec sleep 60';
    const seen = await work(folder, [{ argv: ['sh', '-c', many] }, { argv: ['sh', '-c', 'sleep 2; true; exit 3'] }]);
    const message = 'it had 150 processes and threads, and the kernel refused it another one';
    expect(seen.results[0]).toMatchObject({ kind: 'over-limit', limit: 'too-many-processes', message });
    expect(seen.results[1]).toMatchObject({ kind: 'exited', code: 3 });
    await expectLeft(folder);
  });

  test('let a tree have its processors and no more, all its processes together', async () => {
    const folder = await group('cpu');
    const one = 'const at = Date.now(); while (Date.now() - at < 1500);';
    const both = `'${process.execPath}' -e '${one}' & '${process.execPath}' -e '${one}'; wait`;
    const used = `cat ${ROOT}$(cut -d: -f3 /proc/self/cgroup)/cpu.stat; date +%s%N`;
    const seen = await work(folder, [{ argv: ['sh', '-c', `date +%s%N; ${both}; ${used}`] }]);
    const { tail = '' } = seen.results[0] ?? {};
    const [from = 0, until = 0] = [...tail.matchAll(/^(\d{19})$/gm)].map(([at]) => Number(at) / 1_000);
    const [, took] = /^usage_usec (\d+)$/m.exec(tail) ?? [];
    expect(until - from).toBeGreaterThan(1_400_000);
    // Half a processor, and what a period of a tenth of a second leaves open at both ends.
    expect(Number(took) / (until - from)).toBeLessThan(0.7);
    expect(Number(/^nr_throttled (\d+)$/m.exec(tail)?.[1])).toBeGreaterThan(0);
    await expectLeft(folder);
  });
});
