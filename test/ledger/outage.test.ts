import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { once } from 'node:events';
import { appendFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Client } from 'pg';
import { openDatabase } from '../../src/ledger/database.ts';
import { openLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { openSpool } from '../../src/ledger/spool.ts';
import { LedgerUnavailable } from '../../src/ledger/types.ts';
import { eventually } from '../support/eventually.ts';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { tempFolder } from '../support/temp.ts';
import { LIFE, project, taskId, view } from './rig.ts';

let server: PostgresServer;
let ledger: Ledger;

beforeAll(async () => {
  server = await startPostgres();
  ledger = openLedger({ url: server.url, applicationName: 'test', maxConnections: 2 });
  await ledger.migrate();
});

afterAll(async () => {
  await ledger.close();
  await server.remove();
});

async function unavailable(url: string, why: RegExp): Promise<void> {
  const other = openLedger({ url, applicationName: 'test', maxConnections: 1 });
  try {
    const answer = other.isGreen('t', 'g');
    await expect(answer).rejects.toThrow(LedgerUnavailable);
    await expect(answer).rejects.toThrow(why);
  } finally {
    await other.close();
  }
}

describe('a ledger that goes away', () => {
  it('refuses every call as unavailable, and takes them again when the server is back', async () => {
    const id = taskId('a');
    await ledger.record(view({ id, sequence: 2 }), LIFE.slice(0, 2));
    await server.stop();
    const calls: readonly (() => Promise<unknown>)[] = [
      () => ledger.record(view({ id, sequence: 9 }), LIFE),
      () => ledger.beginAttempt(id, 1, 'h1', view().createdAt),
      () => ledger.bindProject(project, 'origin'),
      () => ledger.isGreen('t', 'g'),
      () => ledger.readTask(id),
      () => ledger.migrate(),
      () => ledger.checkVersion(),
    ];
    for (const call of calls) await expect(call()).rejects.toThrow(LedgerUnavailable);
    await server.start();
    await ledger.record(view({ id, sequence: 9 }), LIFE);
    expect(await ledger.readEvents(id)).toEqual(LIFE);
    expect(await ledger.readTask(id)).toMatchObject({ sequence: 9 });
  });

  it('survives the end of its idle connections', async () => {
    await Promise.all([ledger.isGreen('t', 'g'), ledger.isGreen('t', 'g')]);
    const admin = new Client({ connectionString: server.url });
    await admin.connect();
    await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1', ['test']);
    await admin.end();
    await eventually('an answer', async () => !(await ledger.isGreen('t', 'g')));
  });

  it.each(['between two statements', 'while a statement runs'] as const)(
    'ends a transaction whose connection ends %s, and nothing else',
    async (when) => {
      const database = openDatabase({ url: server.url, applicationName: 'broken', maxConnections: 1 });
      const admin = new Client({ connectionString: server.url });
      await admin.connect();
      const ends: unknown[] = [];
      const work = database.transaction(5_000, async (run) => {
        const [row] = await run('select pg_backend_pid() as pid');
        const running = when === 'while a statement runs' ? run('select pg_sleep(60)') : Promise.resolve([]);
        running.catch((error: unknown) => ends.push(error));
        await admin.query('select pg_terminate_backend($1, 5000)', [row?.['pid']]);
        await running;
        await eventually('the end of the connection to be heard of', async () => {
          await run('select 1').catch((error: unknown) => ends.push(error));
          return ends.length > 0;
        });
        throw ends[0];
      });
      await expect(work).rejects.toThrow(LedgerUnavailable);
      expect(await database.query({ text: 'select 1 as one' }, (row) => row['one'])).toEqual([1]);
      await database.close();
      await admin.end();
    },
  );

  it('has everything once that was spooled meanwhile', async () => {
    const id = taskId('b');
    const folder = await tempFolder('spool');
    const said: string[] = [];
    const spool = await openSpool({ folder, ledger, intervalMs: 10, log: (message) => said.push(message) });
    const file = await spool.logFile(id, 1, 'agent');
    await writeFile(file, 'one\n');
    expect(await spool.flush(id)).toBe('shipped');
    await server.stop();
    for (let line = 0; line < 1_000; line += 1) await appendFile(file, `line ${line}\n`);
    await eventually('the spool to notice', () => said.length > 0);
    expect(await spool.flush(id)).toBe('kept');
    await spool.finish(id, 1, 'agent');
    await server.start();
    const names = async (): Promise<number> =>
      (await readdir(folder, { recursive: true })).filter((name) => name.includes('.log')).length;
    await eventually('the spool to be empty', async () => (await names()) === 0);
    const text = (await ledger.readLogs(id, null, 10_000)).map((chunk) => chunk.text).join('');
    expect(text).toBe(`one\n${Array.from({ length: 1_000 }, (_, line) => `line ${line}\n`).join('')}`);
    expect(said).toEqual(['the ledger is away: logs are kept here', 'the ledger is back']);
    await spool.drain(1_000);
    expect(await readdir(folder)).toEqual([]);
  });
});

describe('a ledger that was away while the clock was set back', () => {
  it('has what was spooled as soon as otherwise', async () => {
    const id = taskId('c');
    const folder = await tempFolder('spool');
    const said: string[] = [];
    const spool = await openSpool({ folder, ledger, intervalMs: 10, log: (message) => said.push(message) });
    const file = await spool.logFile(id, 1, 'agent');
    await server.stop();
    await writeFile(file, 'one\n');
    await spool.finish(id, 1, 'agent');
    await eventually('the spool to notice', () => said.length > 0);
    const now = Date.now.bind(Date);
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() - 60 * 60_000);
    try {
      await server.start();
      await eventually('the log to be there', async () => (await ledger.readLogs(id, null, 10)).length === 1);
    } finally {
      clock.mockRestore();
      await spool.drain(1_000);
    }
  });
});

describe('a server that cannot be used', () => {
  let silent: Server;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
  });

  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    silent.close();
    await once(silent, 'close');
  });

  it('is unavailable when it takes the connection and says nothing', async () => {
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : null;
    await unavailable(`postgres://a:b@127.0.0.1:${port}/c`, /cannot be reached/);
  });

  it('is unavailable when it refuses the password or has no such database, and says which', async () => {
    const url = new URL(server.url);
    url.password = 'wrong';
    await unavailable(url.href, /password/);
    await unavailable(server.url.replace(/\/postgres$/, '/nowhere'), /no such database/);
  });

  it('is unavailable after it was closed', async () => {
    const closed = openLedger({ url: server.url, applicationName: 'test', maxConnections: 1 });
    await closed.close();
    await expect(closed.isGreen('t', 'g')).rejects.toThrow(LedgerUnavailable);
  });
});
