/**
 * The embedded Postgres of one state home. Keeps true: it listens on loopback alone, with a random password that only
 * the home's owner can read; its data folder is whole (made under another name and renamed); what a killed server left
 * (its pid file, its children) does not keep the next one from starting; what a killed start left half made goes.
 */

import { randomBytes } from 'node:crypto';
import { access, chown, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { Client } from 'pg';
import { nameOfNew, removeHalfMade } from './half-made.ts';
import { createOnce, type HomePaths, openHome } from './home.ts';
import { type Account, dataFolder, mayEnter, outsideFolder, serverAccount } from './postgres-account.ts';
import { copyBinaries, findBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { choosePorts, LOOPBACK } from './ports.ts';
import { awaitEnd, type DetachedProcess, endProcess, findInFolder, spawnDetached, type Step } from './processes.ts';
import { codeOf, messageOf, saidBy } from '../core/thrown.ts';
import type { LocalFailure, ReportProgress } from './report.ts';
import { logSince, partFailure, sizeOf } from './part-failure.ts';

const READY_TIMEOUT_MS = 30_000;
/** After an unclean end it goes through its log first; one that is ended in that begins with it again, and never gets through. */
const RECOVERY_TIMEOUT_MS = 60 * 60_000;
const SAY_EVERY_MS = 15_000;
/** SQLSTATE cannot_connect_now. */
const NOT_YET = '57P03';
const INITDB_TIMEOUT_MS = 60_000;
const START_TRIES = 3;
/** What initdb says where the machine has no name for the account, as in some containers. */
const NAMELESS = /could not look up effective user ID/;
const DATABASE = 'tributary';
const USER = 'tributary';
/** An environment without a locale, so that messages are in one language. */
const ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' };

/** SIGINT is a fast shutdown, SIGQUIT one that recovers at the next start. SIGTERM would wait for every client. */
const END_POSTGRES: readonly Step[] = [
  ['SIGINT', 8_000],
  ['SIGQUIT', 3_000],
  ['SIGKILL', 3_000],
];

export interface StartPostgresRequest {
  readonly home: string;
  readonly preferredPort: number | null;
  /** Exactly this one, as after a restart: a taken one is a failure. */
  readonly port?: number;
  /** False: a crash of the machine may lose data. */
  readonly durable?: boolean;
  readonly readyTimeoutMs?: number;
  /** Told of the process before it is ready. */
  readonly onSpawned?: (process: DetachedProcess, dataDir: string, url: string) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Told of what takes longer than a start does. */
  readonly report?: ReportProgress;
  /** The machine's accounts, `/etc/passwd` unless given. */
  readonly passwdFile?: string;
}

export interface RunningPostgres {
  readonly kind: 'running';
  /** With the password; not to be shown. */
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  readonly process: DetachedProcess;
  stop(): Promise<void>;
}

export type StartPostgresResult = RunningPostgres | { readonly kind: 'failed'; readonly failure: LocalFailure };

interface Cluster {
  readonly paths: HomePaths;
  readonly binaries: PostgresBinaries;
  readonly account: Account | null;
  readonly dataDir: string;
  readonly password: string;
}

/** Starts the server in a session of its own, and returns when its database `tributary` answers. */
export async function startPostgres(request: StartPostgresRequest): Promise<StartPostgresResult> {
  const paths = await openHome(request.home);
  let cluster: Cluster;
  try {
    cluster = await prepareCluster(paths, request);
  } catch (error) {
    const why = messageOf(error);
    const message = `Postgres cannot be set up: ${saidBy(error) ?? why.split('\n')[0] ?? ''}`;
    const fix = NAMELESS.test(message)
      ? 'give this account a name (a line in /etc/passwd)'
      : 'reinstall the dependencies';
    const next = `${fix}, or give the address of a running Postgres in DATABASE_URL`;
    return partFailure({ kind: 'no-postgres', message, next }, why);
  }
  for (let attempt = 1; ; attempt += 1) {
    const port = request.port ?? (await choosePorts([request.preferredPort]))[0] ?? 0;
    const result = await startOn(request, cluster, port);
    const lostPort = result.kind === 'failed' && (result.failure.evidence ?? '').includes('Address already in use');
    // Between the choice of a port and the server's own bind somebody else may have taken it.
    if (result.kind === 'running' || !lostPort || request.port !== undefined || attempt === START_TRIES) return result;
  }
}

async function prepareCluster(paths: HomePaths, request: StartPostgresRequest): Promise<Cluster> {
  const account = await serverAccount(request.passwdFile);
  const found = await findBinaries();
  const reachable = account === null || (await mayEnter(account, join(found.root, 'bin')));
  const binaries = reachable ? found : await copyBinaries(found, await outsideFolder(account));
  const folder = await dataFolder(paths, account);
  await removeHalfMade(folder, (text) => request.report?.({ kind: 'progress', text, lasting: true }));
  const password = (await createOnce(paths.postgresPassword, `${randomBytes(24).toString('hex')}\n`)).trim();
  const dataDir = join(folder, 'data');
  const cluster = { paths, binaries, account, dataDir, password };
  if (!(await isThere(join(dataDir, 'PG_VERSION')))) await makeCluster(cluster, folder, request.durable ?? true);
  await clearLeftovers(dataDir);
  return cluster;
}

async function makeCluster(
  { binaries, account, dataDir, password }: Cluster,
  folder: string,
  durable: boolean,
): Promise<void> {
  const made = join(folder, nameOfNew());
  const passwordFile = `${made}.password`;
  try {
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    if (account !== null) await chown(passwordFile, account.uid, account.gid);
    const options = ['--username', USER, '--pwfile', passwordFile, '--auth', 'scram-sha-256', '--encoding', 'UTF8'];
    await execa(
      join(binaries.root, 'bin', 'initdb'),
      ['-D', made, ...options, '--locale', 'C', '--no-instructions', ...(durable ? [] : ['--no-sync'])],
      {
        cwd: folder,
        env: ENVIRONMENT,
        extendEnv: false,
        timeout: INITDB_TIMEOUT_MS,
        killSignal: 'SIGKILL',
        ...(account === null ? {} : { uid: account.uid, gid: account.gid }),
      },
    );
    await rename(made, dataDir);
  } finally {
    await rm(passwordFile, { force: true });
    await rm(made, { recursive: true, force: true });
  }
}

/** A killed server's children hold its shared memory until they notice; its pid file may name somebody else by now. */
async function clearLeftovers(dataDir: string): Promise<void> {
  for (const left of await findInFolder(dataDir))
    await endProcess(left, [
      ['SIGQUIT', 2_000],
      ['SIGKILL', 2_000],
    ]);
  if (process.platform === 'linux') await rm(join(dataDir, 'postmaster.pid'), { force: true });
}

async function startOn(request: StartPostgresRequest, cluster: Cluster, port: number): Promise<StartPostgresResult> {
  const { paths, dataDir, account } = cluster;
  const durable = request.durable ?? true;
  const settings = [
    `listen_addresses=${LOOPBACK}`,
    'unix_socket_directories=',
    'max_connections=200',
    ...(durable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
  ];
  const logStart = await sizeOf(paths.postgresLog);
  const child = await spawnDetached({
    argv: [
      join(cluster.binaries.root, 'bin', 'postgres'),
      '-D',
      dataDir,
      '-p',
      String(port),
      ...settings.flatMap((setting) => ['-c', setting]),
    ],
    // Entered before the account is changed, so that a closed folder of the caller's does not matter.
    cwd: dataDir,
    env: ENVIRONMENT,
    logFile: paths.postgresLog,
    home: paths.home,
    account,
  });
  if ('missing' in child) return failed(`Postgres cannot be run: ${child.missing}`, '');
  const stop = (): Promise<void> => stopPostgres(child, dataDir);
  try {
    const url = `postgresql://${USER}:${cluster.password}@${LOOPBACK}:${port}/${DATABASE}`;
    await request.onSpawned?.(child, dataDir, url);
    const why = await untilServing(request, child, url);
    if (why === null) return { kind: 'running', url, port, dataDir, process: child, stop };
    await stop();
    return failed(why, await logSince(paths.postgresLog, logStart));
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Ends a server and waits for its children, which have sessions of their own. */
export async function stopPostgres(server: { pid: number; startTime: string }, dataDir: string): Promise<void> {
  const children = await findInFolder(dataDir);
  await endProcess(server, END_POSTGRES);
  for (const child of children) {
    if (!(await awaitEnd(child, 1_000))) await endProcess(child, [['SIGKILL', 2_000]]);
  }
}

/** Null once the database answers; else why not. */
async function untilServing(
  request: StartPostgresRequest,
  child: DetachedProcess,
  url: string,
): Promise<string | null> {
  const begunMs = performance.now();
  const limitMs = request.readyTimeoutMs ?? READY_TIMEOUT_MS;
  let untilMs = limitMs;
  let sayAtMs = limitMs;
  let ended: string | null = null;
  void child.ended.then(({ text }) => (ended = text));
  let last = '';
  let recovers = false;
  for (let ms = 0; ms < untilMs; ms = performance.now() - begunMs) {
    if (request.signal?.aborted === true) return 'the start was called off';
    if (ended !== null) return `Postgres ended with ${String(ended)} before it was ready`;
    try {
      await makeDatabase(url);
      return null;
    } catch (error) {
      last = messageOf(error);
      recovers = codeOf(error) === NOT_YET;
      untilMs = recovers ? Math.max(limitMs, RECOVERY_TIMEOUT_MS) : Math.max(limitMs, ms);
    }
    if (recovers && ms >= sayAtMs) {
      sayAtMs = ms + SAY_EVERY_MS;
      const text = `Postgres recovers from an unclean end, which may take minutes (${Math.round(ms / 1000)} s so far)`;
      request.report?.({ kind: 'progress', text });
    }
    await pause(recovers ? 100 : 20);
  }
  return `Postgres did not answer within ${Math.round(untilMs / 100) / 10} s: ${last}`;
}

async function makeDatabase(url: string): Promise<void> {
  const server = new URL(url);
  server.pathname = '/postgres';
  const client = new Client({
    connectionString: server.href,
    connectionTimeoutMillis: 2_000,
    query_timeout: 10_000,
  });
  client.on('error', () => {
    // A connection that breaks while nobody asks anything: the next question tells.
  });
  try {
    await client.connect();
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function failed(message: string, log: string): StartPostgresResult {
  const next = 'look at logs/postgres.log in the state home, or give the address of a running Postgres in DATABASE_URL';
  return partFailure({ kind: 'postgres-failed', message, next }, log);
}
