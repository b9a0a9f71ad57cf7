/** Who is moved out of a worker's control group and back, in a hierarchy of version 2 that need hold nothing. */

import { afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

/** Beside version 1 it has a place of its own, and no controllers. */
const ROOT =
  ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((root) => existsSync(`${root}/cgroup.controllers`)) ?? '';
const isHere = process.getuid?.() === 0 && ROOT !== '' && !existsSync(`${ROOT}/cgroup.type`);
const test = isHere ? it : it.skip;

interface Seen {
  readonly kind: string;
  readonly why: string | null;
  readonly pid: number;
  /** The worker's own group: after the move, after the first try to go back, and at the end. */
  readonly made: string;
  readonly beside?: string;
  readonly there?: readonly number[];
  readonly after: string;
}

let module: string;
let others: readonly ChildProcess[] = [];
let made: readonly string[] = [];

beforeAll(async () => {
  module = join(await tempFolder('room'), 'new-groups.mjs');
  const entry = resolve(import.meta.dirname, '../../src/process/new-groups.ts');
  const options = { bundle: true, platform: 'node', format: 'esm', logLevel: 'error' } as const;
  await build({ ...options, entryPoints: [entry], outfile: module });
});
afterEach(async () => {
  for (const other of others) await ended(other);
  others = [];
  for (const folder of made.toReversed()) await eventually(`${folder} to be empty`, () => gone(folder));
  made = [];
});

async function gone(folder: string): Promise<boolean> {
  if (!existsSync(folder)) return true;
  return rmdir(folder).then(
    () => true,
    () => false,
  );
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function group(name: string, above = ROOT): Promise<string> {
  const folder = join(above, above === ROOT ? `test-${process.pid}-${name}` : name);
  await mkdir(folder);
  made = [...made, folder];
  return folder;
}

function stranger(): ChildProcess & { readonly pid: number } {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  others = [...others, child];
  return Object.assign(child, { pid: child.pid ?? 0 });
}

/** A worker that was killed: its pid is nobody's any more. */
async function deadPid(): Promise<number> {
  const child = stranger();
  await ended(child);
  return child.pid;
}

async function move(folder: string, orders: object): Promise<Seen> {
  const script = fileURLToPath(new URL('./moving.js', import.meta.url));
  const enter = `echo $$ > '${folder}/cgroup.procs' && exec "$@"`;
  const command = ['-c', enter, 'sh', process.execPath, script, module, ROOT, JSON.stringify(orders)];
  const env = { ...process.env, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)('sh', command, { env, timeout: 20_000 });
  return JSON.parse(stdout) as Seen;
}

const pathOf = (folder: string): string => folder.slice(ROOT.length);
const pidsIn = (folder: string): Promise<string> => readFile(join(folder, 'cgroup.procs'), 'utf8');
const groupsIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name);

describe('a worker that leaves its control group', () => {
  test('comes back into it, and leaves nothing', async () => {
    const folder = await group('alone');
    const seen = await move(folder, {});
    expect(seen).toMatchObject({ kind: 'made', made: `${pathOf(folder)}/tributary-worker`, after: pathOf(folder) });
    expect(await groupsIn(folder)).toEqual([]);
  });

  test.each([
    ['before it goes', 'mkdirSync'],
    ['while it goes', 'writeFileSync'],
  ])('stays, and moves nobody else, when somebody comes %s', async (_, at) => {
    const folder = await group('late');
    const { pid } = stranger();
    const seen = await move(folder, { stranger: pid, at });
    expect(seen).toMatchObject({ kind: 'refused', why: expect.stringContaining('the worker cannot leave it') });
    expect(seen).toMatchObject({ made: pathOf(folder), after: pathOf(folder) });
    expect(await pidsIn(folder)).toBe(`${pid}\n`);
    expect(await groupsIn(folder)).toEqual([]);
  });

  test('stays as a whole where a killed worker has left its groups, too', async () => {
    const folder = await group('left');
    const empty = await group(`tributary-${await deadPid()}-1`, folder);
    const full = await group(`tributary-${await deadPid()}-1`, folder);
    const { pid: kept } = stranger();
    await writeFile(join(full, 'cgroup.procs'), String(kept));
    const seen = await move(folder, { stranger: stranger().pid, at: 'writeFileSync' });
    expect(seen).toMatchObject({ kind: 'refused', made: pathOf(folder), after: pathOf(folder) });
    // What still runs there is not ended by this, and the empty one is gone.
    expect(await groupsIn(folder)).toEqual([full.slice(folder.length + 1)]);
    expect(existsSync(empty)).toBe(false);
    expect(await pidsIn(full)).toBe(`${kept}\n`);
  });

  test('does not come back while another one starts where it is, and takes nobody along', async () => {
    const folder = await group('beside');
    const { pid } = stranger();
    const seen = await move(folder, { neighbour: pid });
    const leaf = `${pathOf(folder)}/tributary-worker`;
    expect(seen).toMatchObject({ kind: 'made', made: leaf, beside: leaf, after: pathOf(folder) });
    expect(new Set(seen.there)).toEqual(new Set([pid, seen.pid]));
    expect(await groupsIn(folder)).toEqual([]);
  });

  test('comes back where a killed worker has left a group with somebody in it', async () => {
    const folder = await group('killed');
    const full = await group(`tributary-${await deadPid()}-1`, folder);
    await writeFile(join(full, 'cgroup.procs'), String(stranger().pid));
    expect(await move(folder, {})).toMatchObject({ kind: 'made', after: pathOf(folder) });
    expect(await groupsIn(folder)).toEqual([full.slice(folder.length + 1)]);
  });
});
