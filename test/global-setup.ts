/** Once a test run: the Temporal program, one Temporal server and one Postgres, shared by all test files. */

import { mkdtemp } from 'node:fs/promises';
import { constants, accessSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder, openHome } from '../src/local/home.ts';
import { startPostgres } from '../src/local/postgres.ts';
import type { LocalFailure } from '../src/local/report.ts';
import { obtainTemporal } from '../src/local/temporal-binary.ts';
import { startTemporal } from '../src/local/temporal-server.ts';
import { endBySignal, endDeadRuns, ownRun, RUN_PREFIX } from './dead-runs.ts';
import tearDown from './global-teardown.ts';
import { keepRun } from './run-state.ts';

export default async function setUp(): Promise<void> {
  await endDeadRuns(memoryFolder());
  const { home } = await openHome(await mkdtemp(join(memoryFolder(), RUN_PREFIX)));
  await ownRun(home);
  endBySignal(home);
  keepRun({ home, stop: null });
  const [temporal, postgres] = await Promise.all([
    setUpTemporal(home),
    startPostgres({ home, preferredPort: null, durable: false }),
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all([temporal, postgres].map(async (server) => 'stop' in server && server.stop()));
  };
  keepRun({ home, stop });
  if (temporal.kind === 'failed' || postgres.kind === 'failed') {
    // Jest calls no teardown after a set-up that has failed.
    await tearDown();
    throw new Error(
      [temporal, postgres].map((server) => ('failure' in server ? explain(server.failure) : '')).join('\n'),
    );
  }
  process.env['TEST_TEMPORAL_ADDRESS'] = temporal.address;
  process.env['TEST_POSTGRES_URL'] = postgres.url;
}

async function setUpTemporal(home: string) {
  const env = definedOnly(process.env);
  const obtained = await obtainTemporal({
    pathEnv: env['PATH'] ?? '',
    cacheDir: cacheFolder({ xdgCacheHome: env['XDG_CACHE_HOME'] ?? null, userHome: homedir() }),
    infraDir: fileURLToPath(new URL('../infra/temporal', import.meta.url)),
    env,
    report: ({ text, done, total }) => {
      const amount =
        done === undefined ? '' : ` ${mebibytes(done)}${total === undefined ? '' : ` of ${mebibytes(total)}`}`;
      process.stderr.write(`${text}${amount}\n`);
    },
  });
  if (obtained.kind === 'failed') return obtained;
  process.env['TEST_TEMPORAL_BINARY'] = obtained.binary;
  return startTemporal({
    binary: obtained.binary,
    home,
    namespace: 'default',
    preferredPort: null,
    preferredUiPort: null,
    searchAttributes: {},
    durable: false,
  });
}

/** Memory, where there is a folder of it: the servers' files are for this run alone. */
function memoryFolder(): string {
  try {
    accessSync('/dev/shm', constants.W_OK | constants.X_OK);
    return '/dev/shm';
  } catch {
    return tmpdir();
  }
}

function definedOnly(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(0)} MiB`;
}

function explain({ message, next, evidence }: LocalFailure): string {
  return [message, ...(evidence === undefined ? [] : [evidence]), `→ ${next}`].join('\n');
}
