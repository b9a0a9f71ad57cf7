import { afterEach, beforeAll, afterAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { homePaths, readHostId } from '../../src/local/home.ts';
import { findTagged, identify, isStillAlive, spawnDetached } from '../../src/local/processes.ts';
import { stopStack } from '../../src/local/stack.ts';
import { EMPTY_STACK, readStack, writeStack } from '../../src/local/stack-record.ts';
import { lockStack } from '../../src/local/stack-lock.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';
import { testBinary } from '../support/temporal.ts';

const program = fileURLToPath(
  new URL(`../../node_modules/.cache/tributary-supervisor-${process.pid}.mjs`, import.meta.url),
);
/** What keeps a process of Node's there, and says that it is. */
const STAY = `setInterval(() => {}, 1000); process.stdout.write('there');`;
const supervisors: ChildProcess[] = [];
const homes: string[] = [];

beforeAll(async () => {
  await build({
    entryPoints: [fileURLToPath(new URL('supervisor-program.ts', import.meta.url))],
    outfile: program,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
});

afterAll(() => rm(program, { force: true }));

afterEach(async () => {
  for (const child of supervisors.splice(0)) child.kill('SIGKILL');
  for (const home of homes.splice(0)) await stopStack(home, { workerGraceMs: 2_000 });
});

/** A supervisor in a process of its own, as `up` is; its events come as lines. */
async function supervise(home: string): Promise<{ child: ChildProcess; output: () => string }> {
  const child = spawn(process.execPath, [program, home, testBinary()], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // The foreground group of a terminal: the supervisor and whatever stays in its group.
    detached: true,
  });
  supervisors.push(child);
  if (!homes.includes(home)) homes.push(home);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await eventually('the supervisor to be ready or to end', () => /"ready"|"failed"/.test(output));
  return { child, output: () => output };
}

describe('a stack on disk', () => {
  it('is stopped whole after a kill -9 of its supervisor, and once more with nothing to do', async () => {
    const home = await tempFolder('home');
    const { child } = await supervise(home);
    expect((await readStack(home)).states).toMatchObject({ supervisor: 'alive', worker: 'alive' });
    child.kill('SIGKILL');
    await eventually('the supervisor to be gone', async () => (await readStack(home)).states.supervisor === 'dead');
    expect((await readStack(home)).states).toMatchObject({ worker: 'alive', temporal: 'alive', postgres: 'alive' });
    expect(await stopStack(home)).toEqual(['worker', 'temporal', 'postgres']);
    expect(await findTagged(home)).toEqual([]);
    expect(await stopStack(home)).toEqual([]);
    expect((await readStack(home)).states.temporal).toBe('absent');
  });

  it('is stopped through its living supervisor, which leaves nothing', async () => {
    const home = await tempFolder('home');
    await supervise(home);
    const { record } = await readStack(home);
    expect(await stopStack(home)).toEqual(['supervisor', 'worker', 'temporal', 'postgres']);
    expect(await findTagged(home)).toEqual([]);
    expect(record.supervisor === null || (await isStillAlive(record.supervisor))).toBe(false);
  });

  it('refuses a second supervisor with the first one’s pid, and gives way to one after a kill -9', async () => {
    const home = await tempFolder('home');
    const first = await supervise(home);
    const second = await supervise(home);
    expect(second.output()).toContain(`under process ${first.child.pid}`);
    expect((await readStack(home)).states).toMatchObject({ temporal: 'alive', worker: 'alive' });
    const before = (await readStack(home)).record;
    first.child.kill('SIGKILL');
    await eventually('the supervisor to be gone', async () => (await readStack(home)).states.supervisor === 'dead');
    const third = await supervise(home);
    expect(third.output()).toContain('"cleared"');
    const after = (await readStack(home)).record;
    expect(after.temporal?.address).toBe(before.temporal?.address);
    expect(after.postgres?.url).toBe(before.postgres?.url);
  });

  it('drains the worker first when a Ctrl-C reaches the whole foreground group', async () => {
    const home = await tempFolder('home');
    const { child, output } = await supervise(home);
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
    await eventually('the supervisor to end', () => child.exitCode !== null);
    const stops = [...output().matchAll(/"stopped","part":"(\w+)"/g)].map(([, part]) => part);
    expect(stops).toEqual(['worker', 'temporal', 'postgres']);
    expect(output()).not.toContain('"died"');
    expect(await findTagged(home)).toEqual([]);
  });

  it('does not disturb, nor is disturbed by, one of another home', async () => {
    const [one, two] = [await tempFolder('one'), await tempFolder('two')];
    await Promise.all([supervise(one), supervise(two)]);
    const [first, second] = [await readStack(one), await readStack(two)];
    expect(first.record.temporal?.address).not.toBe(second.record.temporal?.address);
    await stopStack(one);
    expect((await readStack(two)).states).toEqual({
      supervisor: 'alive',
      worker: 'alive',
      temporal: 'alive',
      postgres: 'alive',
    });
  });

  it('is stopped also by who asks as its supervisor has the lock, and is in no record yet', async () => {
    const home = await tempFolder('home');
    const begun = spawn(process.execPath, ['-e', `process.on('SIGTERM', () => process.exit(7)); ${STAY}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    supervisors.push(begun);
    await once(begun.stdout, 'data');
    await writeFile(`${homePaths(home).lock}.1`, JSON.stringify(await identify(begun.pid ?? 0)));
    const ended = once(begun, 'exit');
    expect(await stopStack(home)).toEqual(['supervisor']);
    expect(await ended).toEqual([7, null]);
  });

  it('keeps the record of a supervisor that has begun while another stack was being stopped', async () => {
    const home = await tempFolder('home');
    const before = await tagged(home, home);
    await writeStack(home, { ...EMPTY_STACK, worker: before });
    const own = JSON.stringify(await identify(process.pid));
    const begin = (): void => writeFileSync(`${homePaths(home).lock}.1`, own);
    expect(await stopStack(home, { report: begin })).toEqual(['worker']);
    expect((await readStack(home)).states.worker).toBe('dead');
  });

  it('does not believe a pid that another process has by now', async () => {
    const home = await tempFolder('home');
    await writeStack(home, { ...EMPTY_STACK, worker: { pid: process.pid, startTime: 'long ago' } });
    expect((await readStack(home)).states.worker).toBe('dead');
    expect(await stopStack(home)).toEqual([]);
    expect(await identify(process.pid)).not.toBeNull();
  });

  it('finds by its tag what no record names, also when the record cannot be read', async () => {
    const home = await tempFolder('home');
    const child = await tagged(home, home);
    await writeFile(homePaths(home).stack, '{"version":');
    expect(await stopStack(home)).toEqual(['unrecorded']);
    expect(await isStillAlive(child)).toBe(false);
  });

  it('is stopped, and told of, also when its home was deleted', async () => {
    const above = await tempFolder('above');
    const home = join(above, 'deep/home');
    await mkdir(home, { recursive: true });
    const link = `${above}-link`;
    await symlink(above, link);
    const child = await tagged(home, above);
    await rm(join(above, 'deep'), { recursive: true });
    expect(await stopStack(join(link, 'deep/home'))).toEqual(['unrecorded']);
    expect(await isStillAlive(child)).toBe(false);
    expect(await stopStack(home)).toEqual([]);
    await rm(link);
  });
});

/** A process of a home's stack that no record names. */
async function tagged(home: string, logs: string) {
  const child = await spawnDetached({
    argv: [process.execPath, '-e', 'setInterval(() => {}, 1000)'],
    cwd: '/',
    env: {},
    logFile: join(logs, 'log'),
    home,
  });
  if ('missing' in child) throw new Error(child.missing);
  await eventually('its tag', async () => (await findTagged(home)).length === 1);
  return child;
}

describe('the lock of a home', () => {
  it('has one holder at a time', async () => {
    const home = await tempFolder('home');
    const locks = await Promise.all(Array.from({ length: 8 }, () => lockStack(home)));
    expect(locks.filter(({ kind }) => kind === 'locked')).toHaveLength(1);
    expect(locks).toContainEqual({ kind: 'taken', pid: process.pid });
  });

  it('is taken from a holder that has died, by one alone', async () => {
    const home = await tempFolder('home');
    await writeFile(`${homePaths(home).lock}.3`, JSON.stringify({ pid: process.pid, startTime: 'long ago' }));
    const locks = await Promise.all(Array.from({ length: 8 }, () => lockStack(home)));
    expect(locks.filter(({ kind }) => kind === 'locked')).toHaveLength(1);
  });

  it('can be taken again once it is given back', async () => {
    const home = await tempFolder('home');
    const first = await lockStack(home);
    if (first.kind === 'locked') await first.release();
    expect((await lockStack(home)).kind).toBe('locked');
  });
});

describe('a state home', () => {
  it('has one host id, also when several ask at once', async () => {
    const home = await tempFolder('home');
    const ids = await Promise.all(Array.from({ length: 8 }, () => readHostId(home)));
    expect(new Set(ids).size).toBe(1);
    expect(await readHostId(home)).toBe(ids[0]);
    expect(await readFile(homePaths(home).hostId, 'utf8')).toBe(`${ids[0]}\n`);
  });
});
