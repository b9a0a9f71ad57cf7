import { afterEach, describe, expect, it } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { appendFile, chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { homePaths } from '../../src/local/home.ts';
import { choosePorts } from '../../src/local/ports.ts';
import { startPostgres, type RunningPostgres, type StartPostgresRequest } from '../../src/local/postgres.ts';
import { leftOutside, mayEnter, removeOutsideData, serverAccount } from '../../src/local/postgres-account.ts';
import { findInFolder, findTagged, isStillAlive } from '../../src/local/processes.ts';
import { type RunningTemporal, startTemporal, type StartTemporalRequest } from '../../src/local/temporal-server.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';
import { testBinary } from '../support/temporal.ts';

const running: { stop(): Promise<void> }[] = [];
const listening: Server[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
  await Promise.all(listening.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

/** @param wish any when it is left out */
async function takePort(wish: number | null = null): Promise<number> {
  const [port] = await choosePorts([wish]);
  const server = createServer();
  listening.push(server);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return port ?? 0;
}

function wish(home: string): StartTemporalRequest {
  return {
    binary: testBinary(),
    home,
    namespace: 'default',
    preferredPort: null,
    preferredUiPort: null,
    searchAttributes: { TaskState: 'Keyword' },
  };
}

async function temporal(home: string, more: Partial<StartTemporalRequest> = {}): Promise<RunningTemporal> {
  const result = await startTemporal({ ...wish(home), ...more });
  if (result.kind === 'failed') throw new Error(JSON.stringify(result.failure));
  running.push(result);
  return result;
}

async function postgres(home: string, more: Partial<StartPostgresRequest> = {}): Promise<RunningPostgres> {
  const result = await startPostgres({ home, preferredPort: null, durable: false, ...more });
  if (result.kind === 'failed') throw new Error(JSON.stringify(result.failure));
  running.push(result);
  return result;
}

async function query(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

describe('the Temporal server', () => {
  it('keeps workflows for thirty days, gets what a later version adds to its search attributes, and knows the codec server', async () => {
    const home = await tempFolder('home');
    await (await temporal(home)).stop();
    const server = await temporal(home, {
      searchAttributes: { TaskState: 'Keyword', Cost: 'Double' },
      codecEndpoint: 'http://127.0.0.1:8234',
    });
    const settings = await fetch(`${server.uiUrl}/api/v1/settings`);
    expect(await settings.json()).toMatchObject({ Codec: { Endpoint: 'http://127.0.0.1:8234' } });
    const connection = await Connection.connect({ address: server.address });
    try {
      const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 24 * 3600);
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
      expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining(['TaskState', 'Cost']));
    } finally {
      await connection.close();
    }
  });

  it('takes another port when the preferred one is taken', async () => {
    const taken = await takePort();
    const server = await temporal(await tempFolder('home'), { preferredPort: taken, durable: false });
    expect(server.ports.grpc).not.toBe(taken);
  });

  it('makes a database anew that was never served, and keeps one that was', async () => {
    const home = await tempFolder('home');
    const paths = homePaths(home);
    await mkdir(paths.temporalFolder, { recursive: true });
    await writeFile(paths.temporalDb, 'half-made');
    await (await temporal(home)).stop();
    const { birthtimeMs } = await stat(paths.temporalDb);
    await (await temporal(home)).stop();
    expect((await stat(paths.temporalDb)).birthtimeMs).toBe(birthtimeMs);
  });

  it('fails, and starts nothing, when a port that it must have is taken', async () => {
    const home = await tempFolder('home');
    const grpc = await takePort();
    const result = await startTemporal({ ...wish(home), port: grpc });
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'temporal-failed' } });
    expect(JSON.stringify(result)).toContain(String(grpc));
    expect(await findTagged(home)).toEqual([]);
  });

  it('is there again on its address when its other ports were taken meanwhile', async () => {
    const home = await tempFolder('home');
    const first = await temporal(home);
    await first.stop();
    const { grpc, ...others } = first.ports;
    // One that cannot be had is somebody's already.
    for (const port of Object.values(others)) await takePort(port);
    const second = await temporal(home, { port: grpc, preferredUiPort: others.ui });
    expect(second.address).toBe(first.address);
  });

  it('fails with the end of its log when it ends before it is ready', async () => {
    const home = await tempFolder('home');
    const binary = join(home, 'program');
    await writeFile(binary, '#!/bin/sh\necho this database is too new >&2\nexit 4\n', { mode: 0o755 });
    const result = await startTemporal({ ...wish(home), binary });
    expect(result).toMatchObject({ kind: 'failed', failure: { evidence: 'this database is too new' } });
    expect(JSON.stringify(result)).toContain('exit code 4');
  });

  it('names the limit that it met, though all its threads stand below it, and none that an earlier one met', async () => {
    const home = await tempFolder('home');
    const binary = join(home, 'program');
    const crash = 'echo "runtime: failed to create new OS thread (have 8 already; errno=11)" >&2; seq 3000 >&2; exit 2';
    await writeFile(binary, `#!/bin/sh\n${crash}\n`, { mode: 0o755 });
    const limited = await startTemporal({ ...wish(home), binary });
    expect(limited).toMatchObject({
      failure: {
        message:
          'the Temporal server ended with exit code 2 before it was ready: its account may have no more processes and threads',
        next: expect.stringContaining('ulimit -u'),
        evidence: expect.stringMatching(/3000$/),
      },
    });
    await writeFile(binary, '#!/bin/sh\nexit 4\n', { mode: 0o755 });
    const other = await startTemporal({ ...wish(home), binary });
    expect(other).toMatchObject({ failure: { next: expect.stringContaining('logs/temporal.log') } });
    expect(JSON.stringify(other)).not.toContain('ulimit');
  });

  it('has a name for its account, also where the machine has none', async () => {
    const folder = await tempFolder('nameless');
    const binary = join(folder, 'temporal');
    await writeFile(binary, '#!/bin/sh\necho "I am ${USER:-nobody}"\nexit 1\n', { mode: 0o755 });
    const result = await startTemporal({ ...wish(join(folder, 'home')), binary });
    expect(result).toMatchObject({ failure: { evidence: 'I am tributary' } });
  });

  it('fails within its time-out, and leaves no process, when it never answers', async () => {
    const home = await tempFolder('home');
    const binary = join(home, 'program');
    await writeFile(binary, '#!/bin/sh\nexec tail -f /dev/null\n', { mode: 0o755 });
    const result = await startTemporal({ ...wish(home), binary, readyTimeoutMs: 200 });
    expect(JSON.stringify(result)).toContain('0.2 s');
    expect(await findTagged(home)).toEqual([]);
  });
});

describe('the embedded Postgres', () => {
  it('listens on loopback alone, with a password that only the owner can read', async () => {
    const home = await tempFolder('home');
    const server = await postgres(home);
    expect(await query(server.url, 'SHOW listen_addresses')).toEqual(['127.0.0.1']);
    expect((await stat(homePaths(home).postgresPassword)).mode & 0o777).toBe(0o600);
    const wrong = new URL(server.url);
    wrong.password = 'wrong';
    await expect(query(wrong.href, 'SELECT 1')).rejects.toThrow('password');
  });

  it('keeps its data and its password over a stop, and takes another port when the preferred one is taken', async () => {
    const home = await tempFolder('home');
    const first = await postgres(home);
    await query(first.url, 'CREATE TABLE kept AS SELECT 42 AS n');
    await first.stop();
    expect(await findInFolder(first.dataDir)).toEqual([]);
    const taken = await takePort();
    const second = await postgres(home, { preferredPort: taken });
    expect(second.port).not.toBe(taken);
    expect(await query(second.url, 'SELECT n FROM kept')).toEqual([42]);
  });

  it('starts again after a kill -9, past the stale pid file and children that still run', async () => {
    const home = await tempFolder('home');
    const first = await postgres(home);
    process.kill(first.process.pid, 'SIGKILL');
    await first.process.ended;
    // Its number may be another process's by now: here it is this one's.
    const pidFile = join(first.dataDir, 'postmaster.pid');
    const lines = (await readFile(pidFile, 'utf8')).split('\n');
    await writeFile(pidFile, [String(process.pid), ...lines.slice(1)].join('\n'));
    const second = await postgres(home);
    expect(await query(second.url, 'SELECT 1')).toEqual([1]);
    expect(await isStillAlive(first.process)).toBe(false);
  });

  (process.platform === 'linux' ? it : it.skip)(
    'is waited for as long as it recovers from an unclean end, which is said',
    async () => {
      const home = await tempFolder('home');
      const first = await postgres(home, { durable: true });
      await query(first.url, 'CREATE TABLE kept AS SELECT n, md5(n::text) FROM generate_series(1, 200000) AS n');
      process.kill(first.process.pid, 'SIGKILL');
      await first.process.ended;
      let recovering = 0;
      const said: string[] = [];
      const second = await postgres(home, {
        readyTimeoutMs: 1_000,
        onSpawned: async (_process, dataDir) => {
          recovering = await recoveringIn(dataDir);
          process.kill(recovering, 'SIGSTOP');
        },
        report: ({ text }) => {
          said.push(text);
          process.kill(recovering, 'SIGCONT');
        },
      });
      expect(said).toEqual([expect.stringMatching(/^Postgres recovers from an unclean end, .* \(\d+ s so far\)$/)]);
      expect(await query(second.url, 'SELECT count(*)::int FROM kept')).toEqual([200_000]);
    },
  );

  it('names the limit that it met, and no other one that an earlier one met', async () => {
    const home = await tempFolder('home');
    const server = await postgres(home);
    await server.stop();
    await appendFile(homePaths(home).postgresLog, 'FATAL:  could not write to file "x": File too large\n');
    await appendFile(join(server.dataDir, 'postgresql.conf'), "shared_buffers = '7TB'\n");
    const result = await startPostgres({ home, preferredPort: null, durable: false });
    expect(result).toMatchObject({
      failure: {
        message: 'Postgres ended with exit code 1 before it was ready: it got no memory',
        next: expect.stringContaining('ulimit -v'),
      },
    });
  });

  it('ends with clients still connected', async () => {
    const server = await postgres(await tempFolder('home'));
    const client = new Client({ connectionString: server.url });
    const errors: Error[] = [];
    client.on('error', (error) => errors.push(error));
    await client.connect();
    await server.stop();
    expect(await isStillAlive(server.process)).toBe(false);
    await eventually('the client to notice', () => errors.length > 0);
  });
});

/** The process of a server that goes through its log. */
async function recoveringIn(dataDir: string): Promise<number> {
  for (;;) {
    for (const { pid } of await findInFolder(dataDir)) {
      const title = await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '');
      if (title.startsWith('postgres: startup')) return pid;
    }
  }
}

const asRoot = process.getuid?.() === 0 ? describe : describe.skip;

asRoot('the embedded Postgres, started by root', () => {
  it('keeps its data in a home that its account can be let into, and lets nobody else in', async () => {
    const parent = await tempFolder('open');
    await chmod(parent, 0o755);
    const home = join(parent, 'home');
    const server = await postgres(home);
    expect(server.dataDir.startsWith(home)).toBe(true);
    expect((await stat(home)).mode & 0o777).toBe(0o710);
  });

  it('keeps its data outside of a home that its account may not enter, and notes where', async () => {
    const home = join(await tempFolder('closed'), 'home');
    const server = await postgres(home);
    const paths = homePaths(home);
    expect(server.dataDir.startsWith(home)).toBe(false);
    expect(server.dataDir.startsWith((await readFile(paths.postgresElsewhere, 'utf8')).trim())).toBe(true);
    expect((await stat(home)).mode & 0o777).toBe(0o700);
    await server.stop();
    await removeOutsideData(paths);
    await expect(stat(server.dataDir)).rejects.toThrow('ENOENT');
  });

  it('is set up also after its note of where was left empty by a disk that was full', async () => {
    const home = join(await tempFolder('closed'), 'home');
    const paths = homePaths(home);
    await mkdir(home);
    await writeFile(paths.postgresElsewhere, '');
    const server = await postgres(home);
    expect(`${(await readFile(paths.postgresElsewhere, 'utf8')).trim()}/data`).toBe(server.dataDir);
    await server.stop();
    await removeOutsideData(paths);
  });

  it('is made anew where its data lay outside and all that was there is gone', async () => {
    const home = join(await tempFolder('closed'), 'home');
    const paths = homePaths(home);
    const outside = join(await tempFolder('outside'), 'shared');
    await chmod(dirname(outside), 0o755);
    await mkdir(home);
    await writeFile(paths.postgresElsewhere, `${join(outside, 'home-1')}\n`);
    const server = await postgres(home);
    expect(server.dataDir).toBe(join(outside, 'home-1', 'data'));
    expect((await stat(outside)).mode & 0o777).toBe(0o755);
  });

  it('is told of by doctor where its data lies outside and its home was deleted', async () => {
    const home = join(await tempFolder('closed'), 'home');
    const server = await postgres(home);
    await server.stop();
    const [paths, other] = [homePaths(home), homePaths(await tempFolder('other'))];
    const folder = dirname(server.dataDir);
    const found = async () => (await leftOutside(other)).filter((left) => left.folder === folder);
    expect(await found()).toEqual([]);
    const note = await readFile(paths.postgresElsewhere);
    await rm(home, { recursive: true });
    expect(await found()).toEqual([{ folder, home }]);
    await rm(join(folder, 'state-home'));
    // As an older version made it: its own home alone knows the name.
    expect(await found()).toEqual([]);
    expect(await leftOutside(paths)).toContainEqual({ folder, home });
    await mkdir(home);
    await writeFile(paths.postgresElsewhere, note);
    await removeOutsideData(paths);
  });

  it('is told what to do where the account has no name', async () => {
    const folder = await tempFolder('nameless');
    const passwdFile = join(folder, 'passwd');
    await writeFile(passwdFile, 'postgres:x:54321:54321::/:/bin/sh\n');
    const result = await startPostgres({ home: join(folder, 'home'), preferredPort: null, passwdFile });
    await removeOutsideData(homePaths(join(folder, 'home')));
    expect(result).toMatchObject({
      failure: { message: expect.stringContaining('54321'), next: expect.stringContaining('/etc/passwd') },
    });
  });

  it('runs as nobody on a machine without a user postgres', async () => {
    const passwdFile = join(await tempFolder('accounts'), 'passwd');
    await writeFile(
      passwdFile,
      'root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n',
    );
    const parent = await tempFolder('open');
    await chmod(parent, 0o755);
    const server = await postgres(join(parent, 'home'), { passwdFile });
    expect((await stat(server.dataDir)).uid).toBe(65_534);
    expect((await stat(`/proc/${server.process.pid}`)).uid).toBe(65_534);
  });

  it('says why it cannot be set up in the words of the program that failed', async () => {
    const passwdFile = join(await tempFolder('accounts'), 'passwd');
    await writeFile(passwdFile, 'ghost:x:54321:54321::/:/bin/sh\n');
    const parent = await tempFolder('open');
    await chmod(parent, 0o755);
    const result = await startPostgres({ home: join(parent, 'home'), preferredPort: null, passwdFile });
    expect(result).toMatchObject({
      kind: 'failed',
      failure: { message: expect.stringMatching(/^Postgres cannot be set up: initdb: .*54321: user does not exist$/) },
    });
  });

  it('is refused where there is no account but root', async () => {
    const home = await tempFolder('home');
    const passwdFile = join(home, 'passwd');
    await writeFile(passwdFile, 'root:x:0:0::/root:/bin/sh\n');
    const result = await startPostgres({ home, preferredPort: null, passwdFile });
    expect(result).toMatchObject({ kind: 'failed', failure: { kind: 'no-postgres' } });
  });

  it('sees that a closed folder above keeps its account out', async () => {
    const account = await serverAccount();
    if (account === null) throw new Error('root has no account to run as');
    const parent = await tempFolder('closed');
    const inner = join(parent, 'inner');
    await mkdir(inner, { mode: 0o755 });
    expect(await mayEnter(account, inner)).toBe(false);
    await chmod(parent, 0o711);
    expect(await mayEnter(account, inner)).toBe(true);
    await rm(inner, { recursive: true });
  });
});
