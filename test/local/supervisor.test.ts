import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdir, readdir, readFile, rm, rmdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { LOG_BYTES } from '../../src/local/bounded-logs.ts';
import { findTagged, isStillAlive, type ProcessIdentity } from '../../src/local/processes.ts';
import { readStack, type StackRecord } from '../../src/local/stack-record.ts';
import { superviseStack } from '../../src/local/supervisor.ts';
import type { StackEvent, SuperviseResult, WorkerWish } from '../../src/local/supervisor-types.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';
import { testBinary } from '../support/temporal.ts';

interface Stack {
  readonly home: string;
  readonly events: StackEvent[];
  readonly ready: StackRecord;
  readonly done: Promise<SuperviseResult>;
  stop(): Promise<SuperviseResult>;
}

const up: Stack[] = [];

afterEach(async () => {
  await Promise.all(up.splice(0).map((stack) => stack.stop()));
});

const BACKOFF = { firstMs: 10, capMs: 100, healthyMs: 60_000 };

/** A worker that says when it has drained, and does so only while Temporal's port still answers. */
const DRAINING_WORKER = `
  const { connect } = require('node:net');
  const { appendFileSync } = require('node:fs');
  const [, address, file] = process.argv;
  process.on('SIGTERM', () => {
    const socket = connect(Number(address.split(':')[1]), '127.0.0.1');
    socket.on('connect', () => { appendFileSync(file, 'drained'); process.exit(0); });
    socket.on('error', () => { appendFileSync(file, 'too late'); process.exit(1); });
  });
  setInterval(() => {}, 1000);
  appendFileSync(file, 'up, ');
`;

function worker(file: string): WorkerWish {
  return {
    command: ({ temporalAddress }) => ({
      argv: [process.execPath, '-e', DRAINING_WORKER, temporalAddress, file],
      cwd: '/',
      env: {},
    }),
  };
}

async function startStack(home: string, options: { worker?: WorkerWish; port?: number } = {}): Promise<Stack> {
  const events: StackEvent[] = [];
  const controller = new AbortController();
  const done = superviseStack({
    home,
    parts: {
      temporal: {
        kind: 'embedded',
        binary: testBinary(),
        namespace: 'default',
        preferredPort: options.port ?? null,
        preferredUiPort: null,
        searchAttributes: { TaskState: 'Keyword' },
      },
      postgres: { kind: 'embedded', preferredPort: null },
      worker: options.worker ?? null,
    },
    report: (event) => events.push(event),
    signal: controller.signal,
    backoff: BACKOFF,
    lookEveryMs: 100,
    durable: false,
  });
  const stop = (): Promise<SuperviseResult> => {
    controller.abort();
    return done;
  };
  const ready = await Promise.race([
    eventually('the stack', () => events.flatMap((event) => (event.kind === 'ready' ? [event.stack] : []))[0]),
    done.then((result) => {
      throw new Error(JSON.stringify({ result, events }));
    }),
  ]);
  const stack = { home, events, ready, done, stop };
  up.push(stack);
  return stack;
}

function own(part: StackRecord[keyof StackRecord]): ProcessIdentity {
  if (part === null || typeof part !== 'object' || !('pid' in part)) throw new Error('the part has no process');
  return part;
}

function runs(stack: Stack, part: string): number {
  return stack.events.filter((event) => event.kind === 'running' && event.part === part).length;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query('SELECT 1 AS one')).rowCount === 1;
  } finally {
    await client.end();
  }
}

describe('the supervisor', () => {
  it('starts both servers and the worker, and drains the worker before it stops the servers', async () => {
    const home = await tempFolder('home');
    const file = join(await tempFolder('worker'), 'drained');
    const stack = await startStack(home, { worker: worker(file) });
    const { states } = await readStack(home);
    expect(states).toEqual({ supervisor: 'alive', worker: 'alive', temporal: 'alive', postgres: 'alive' });
    expect(await answers(stack.ready.postgres?.url ?? '')).toBe(true);
    await eventually('the worker to be up', async () => (await readFile(file, 'utf8')) === 'up, ');
    expect(await stack.stop()).toEqual({ kind: 'stopped' });
    for (const part of [stack.ready.worker, stack.ready.temporal, stack.ready.postgres]) {
      expect(await isStillAlive(own(part))).toBe(false);
    }
    expect(await readFile(file, 'utf8')).toBe('up, drained');
    expect((await readStack(home)).states.temporal).toBe('absent');
    const stops = stack.events.flatMap((event) => (event.kind === 'stopped' ? [event.part] : []));
    expect(stops).toEqual(['worker', 'temporal', 'postgres']);
  });

  it('notes which build lay on the disk when a worker was started, and when one was started again', async () => {
    const home = await tempFolder('home');
    const controller = new AbortController();
    let build = '1-a';
    const sleeper = { argv: [process.execPath, '-e', 'setInterval(() => {}, 1000)'], cwd: '/', env: {} } as const;
    const done = superviseStack({
      home,
      parts: {
        temporal: { kind: 'external', address: 'temporal.invalid:7233', namespace: 'tasks' },
        postgres: { kind: 'external', url: 'postgresql://postgres.invalid/tributary' },
        worker: { command: () => sleeper, graceMs: 100 },
      },
      report: () => undefined,
      signal: controller.signal,
      build: () => build,
      backoff: BACKOFF,
    });
    const first = await eventually('the worker', async () => (await readStack(home)).record.worker);
    expect((await readStack(home)).record.builds).toEqual({ supervisor: '1-a', worker: '1-a' });
    build = '1-b';
    process.kill(first.pid, 'SIGKILL');
    await eventually('another worker', async () => (await readStack(home)).record.worker?.pid !== first.pid);
    expect((await readStack(home)).record.builds).toEqual({ supervisor: '1-a', worker: '1-b' });
    controller.abort();
    expect(await done).toEqual({ kind: 'stopped' });
  });

  it('starts no server where it is given one, and bounds its logs while it runs', async () => {
    const home = await tempFolder('home');
    const log = join(home, 'logs', 'worker.log');
    await mkdir(join(home, 'logs'));
    await writeFile(log, Buffer.alloc(LOG_BYTES + 1, 'x'));
    const controller = new AbortController();
    const events: StackEvent[] = [];
    const done = superviseStack({
      home,
      parts: {
        temporal: { kind: 'external', address: 'temporal.invalid:7233', namespace: 'tasks' },
        postgres: { kind: 'external', url: 'postgresql://postgres.invalid/tributary' },
        worker: null,
      },
      report: (event) => events.push(event),
      signal: controller.signal,
      lookEveryMs: 100,
    });
    await eventually('the stack', () => events.some(({ kind }) => kind === 'ready'));
    await eventually('the log to begin anew', async () => (await stat(log)).size === 0);
    expect((await stat(`${log}.1`)).size).toBe(LOG_BYTES);
    const { states, record } = await readStack(home);
    expect(states).toEqual({ supervisor: 'alive', worker: 'absent', temporal: 'external', postgres: 'external' });
    expect(record.temporal?.address).toBe('temporal.invalid:7233');
    controller.abort();
    expect(await done).toEqual({ kind: 'stopped' });
    expect((await findTagged(home)).length).toBe(0);
  });

  it('ends with the reason, and leaves nothing, when a server cannot be started at first', async () => {
    const home = await tempFolder('home');
    const binary = join(await tempFolder('program'), 'temporal');
    await writeFile(binary, '#!/bin/sh\nexit 7\n', { mode: 0o755 });
    const result = await superviseStack({
      home,
      parts: {
        temporal: {
          kind: 'embedded',
          binary,
          namespace: 'default',
          preferredPort: null,
          preferredUiPort: null,
          searchAttributes: {},
        },
        postgres: { kind: 'embedded', preferredPort: null },
        worker: null,
      },
      report: () => undefined,
      signal: new AbortController().signal,
      durable: false,
    });
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'temporal-failed' } });
    expect(await findTagged(home)).toEqual([]);
  });

  it('stops all that it has started when its home is removed, and leaves the next one alone', async () => {
    const home = await tempFolder('home');
    const file = join(await tempFolder('worker'), 'drained');
    const stack = await startStack(home, { worker: worker(file) });
    await rm(home, { recursive: true, force: true, maxRetries: 5 });
    // Somebody begins anew there: what of the old stack dies must not be started again in it.
    await mkdir(home);
    await writeFile(join(home, 'up.lock.1'), 'somebody else');
    process.kill(own(stack.ready.postgres).pid, 'SIGKILL');
    expect(await stack.done).toMatchObject({
      kind: 'failed',
      failure: { kind: 'stack-lost', message: expect.stringContaining(home) },
    });
    for (const part of [stack.ready.worker, stack.ready.temporal, stack.ready.postgres]) {
      expect(await isStillAlive(own(part))).toBe(false);
    }
    expect(await findTagged(home)).toEqual([]);
    expect(await readdir(home)).toEqual(['up.lock.1']);
  });

  it('keeps starting a worker that keeps dying, with longer and longer waits, and says so', async () => {
    const dying: WorkerWish = {
      command: () => ({ argv: [process.execPath, '-e', 'process.exit(3)'], cwd: '/', env: {} }),
    };
    const stack = await startStack(await tempFolder('home'), { worker: dying });
    await eventually('four starts', () => runs(stack, 'worker') >= 4);
    const waits = stack.events.flatMap((event) => (event.kind === 'restarting' ? [event.inMs] : []));
    expect(waits.slice(0, 3)).toEqual([10, 20, 40]);
    expect(stack.events).toContainEqual({ kind: 'died', part: 'worker', how: 'exit code 3' });
    expect(runs(stack, 'temporal')).toBe(1);
  });

  it('starts a server again also where its ports could not be kept for the next stack', async () => {
    const home = await tempFolder('home');
    // Read as if there were none, and never written: its folder is not there.
    await symlink(join(home, 'nowhere', 'ports.json'), join(home, 'ports.json'));
    const stack = await startStack(home);
    process.kill(own(stack.ready.temporal).pid, 'SIGKILL');
    await eventually('Temporal to run again', () => runs(stack, 'temporal') >= 2);
    expect((await readStack(home)).states).toMatchObject({ temporal: 'alive', postgres: 'alive' });
    expect(await stack.stop()).toEqual({ kind: 'stopped' });
  });

  it('leaves no worker behind that could not be noted, and has one again once it can be', async () => {
    const home = await tempFolder('home');
    const file = join(home, 'drained');
    const stack = await startStack(home, { worker: worker(file) });
    const note = join(home, 'stack.json');
    await rm(note);
    await mkdir(note);
    process.kill(own(stack.ready.worker).pid, 'SIGKILL');
    const failures = (): number => stack.events.filter(({ kind }) => kind === 'failed').length;
    await eventually('three starts to fail', () => failures() >= 3);
    await rmdir(note);
    await eventually('the worker to run again', () => runs(stack, 'worker') >= 2);
    const { record } = await readStack(home);
    const tagged = await findTagged(home);
    const servers = [own(record.temporal).pid, own(record.postgres).pid, own(record.worker).pid];
    const workers = tagged.filter(({ pid }) => pid === own(record.worker).pid || !servers.includes(pid));
    const commands = await Promise.all(
      workers.map(({ pid }) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
    );
    expect(commands.filter((command) => command.includes(file))).toHaveLength(1);
  });

  it.each(['temporal', 'postgres', 'worker'] as const)(
    'starts %s again on the same address after a kill -9',
    async (part) => {
      const home = await tempFolder('home');
      const stack = await startStack(home, { worker: worker(join(home, 'drained')) });
      const killed = own(stack.ready[part]);
      process.kill(killed.pid, 'SIGKILL');
      await eventually(`${part} to run again`, () => runs(stack, part) >= 2);
      const { record, states } = await readStack(home);
      expect(states[part]).toBe('alive');
      expect(own(record[part]).pid).not.toBe(killed.pid);
      expect(record.temporal?.address).toBe(stack.ready.temporal?.address);
      expect(record.postgres?.url).toBe(stack.ready.postgres?.url);
      expect(await answers(record.postgres?.url ?? '')).toBe(true);
    },
  );
});
