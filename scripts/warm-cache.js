/**
 * Runs the built program so that it leaves compiled code for this version of Node in dist/cache.
 *
 * V8 compiles a function when it is first called, and the cache holds what was compiled by a run's end. So each run goes
 * the whole way of its command, in a repository made for it, against a stand-in for Temporal that answers every call
 * with an empty message.
 */

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LIMIT_MS = 10_000;
const EMPTY_MESSAGE = Buffer.alloc(5);
/** A port that nothing listens on: the ledger is down, and its code is loaded all the same. */
const NO_DATABASE = 'postgres://127.0.0.1:1/none';
// The first run of a chunk is the one whose compiled code is kept: the longest way comes first.
const RUNS = [
  ['submit', 'Warm', '--run', 'true', '--json'],
  ['submit', 'Warm', '--run', 'true'],
  ['list', '--json'],
  ['list'],
  ['show', '0000000000'],
  ['inbox'],
  ['queue'],
  ['status', '--json'],
  ['--help'],
];

/** Fills `dist/cache`; the build is right without it, only slower to start. */
export async function warmCache(dist) {
  const folder = await mkdtemp(join(tmpdir(), 'tributary-warm-'));
  const server = createServer();
  const sessions = new Set();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', answer);
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    TASKS_HOME: join(folder, 'home'),
    TEMPORAL_ADDRESS: `127.0.0.1:${server.address().port}`,
    DATABASE_URL: NO_DATABASE,
    GIT_CONFIG_NOSYSTEM: '1',
  };
  const go = (file, args) =>
    // How it ends does not matter: it ran.
    run(file, args, { cwd: folder, env, timeout: LIMIT_MS, killSignal: 'SIGKILL' }).catch(() => undefined);
  try {
    await makeRepository(folder, go);
    for (const args of RUNS) await go(process.execPath, [join(dist, 'bin/tasks.cjs'), ...args]);
  } finally {
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }
}

function answer(stream) {
  stream.on('error', () => undefined);
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  stream.end(EMPTY_MESSAGE);
}

async function makeRepository(folder, go) {
  await writeFile(join(folder, 'tasks.yaml'), 'project: warm\nbranch: main\ngate: "true"\n');
  await go('git', ['init', '-q', '-b', 'main', '.']);
  await go('git', ['add', 'tasks.yaml']);
  const person = ['-c', 'user.name=Warm', '-c', 'user.email=warm@localhost'];
  await go('git', [...person, 'commit', '-q', '--no-gpg-sign', '-m', 'Warm']);
}
