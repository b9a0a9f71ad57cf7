/** What `tasks doctor` says of host.yaml beside a worker that runs. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkHostFile } from '../../src/cli/doctor/host-file.ts';
import { Session } from '../../src/cli/session.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { startedAtMs } from '../../src/local/process-age.ts';
import { identify } from '../../src/local/processes.ts';
import { EMPTY_STACK, writeStack } from '../../src/local/stack-record.ts';
import { testDatabase } from '../support/postgres.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

const HOUR_S = 3_600;

describe('host.yaml', () => {
  let worker: ChildProcess;
  let folder: string;
  let home: string;

  beforeAll(async () => {
    worker = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log("up")']);
    if (worker.stdout !== null) await once(worker.stdout, 'data');
    folder = await tempFolder('machine');
    home = join(folder, 'state');
    await mkdir(home);
    await writeFile(join(home, 'host.yaml'), 'agents: 7\ngates: 1\n');
  });

  afterAll(async () => {
    worker.kill('SIGKILL');
    await once(worker, 'exit');
  });

  const checked = async (more: Record<string, string> = {}) => {
    const session = new Session(cliIo({ cwd: folder, env: cliEnvironment(folder, more) }), false);
    try {
      return await checkHostFile(session);
    } finally {
      await session.close();
    }
  };
  const dated = async (seconds: number): Promise<void> => {
    const at = Date.now() / 1_000 + seconds;
    await utimes(join(home, 'host.yaml'), at, at);
  };

  it('is what a worker will have, where none runs', async () => {
    await dated(HOUR_S);
    expect(await checked()).toEqual([
      { name: 'host.yaml', verdict: 'ok', found: expect.stringMatching(/^7 agents and 1 gate run .* once/), fix: null },
    ]);
  });

  it('is told of where it is newer than the worker of the stack, with the commands that make it count', async () => {
    await writeStack(home, { ...EMPTY_STACK, worker: await identify(worker.pid ?? 0) });
    try {
      await dated(HOUR_S);
      expect(await checked()).toMatchObject([
        { verdict: 'ok' },
        {
          name: 'host.yaml',
          verdict: 'warn',
          found: expect.stringContaining(`(pid ${worker.pid})`),
          fix: expect.stringMatching(/tasks down, then tasks up/),
        },
      ]);
      await dated(-HOUR_S);
      expect(await checked()).toMatchObject([{ verdict: 'ok' }]);
    } finally {
      await rm(join(home, 'stack.json'));
    }
  });

  it('gives way to the slots that the worker of this home says it has', async () => {
    const database = await testDatabase();
    const ledger = openLedger({ url: database.url, applicationName: 'test', maxConnections: 1 });
    try {
      await ledger.migrate();
      await writeFile(join(home, 'host-id'), 'here-1\n');
      const report = { version: '1', labels: [], load: 0, cores: 2, freeBytes: 1 };
      const own = {
        ...report,
        worker: String(worker.pid),
        agents: { used: 0, total: 3 },
        gates: { used: 0, total: 2 },
      };
      await ledger.reportWorker({ ...own, host: 'here-1' }, false);
      await ledger.reportWorker({ ...own, host: 'elsewhere-1' }, false);
      await dated(HOUR_S);
      const checks = await checked({ TEMPORAL_ADDRESS: '127.0.0.1:1', DATABASE_URL: database.url });
      expect(checks).toMatchObject([
        { verdict: 'ok', found: '3 agents and 2 gate runs at the same time, by the worker that runs' },
        { verdict: 'warn', fix: expect.stringContaining('tasks worker') },
      ]);
    } finally {
      await ledger.close();
      await database.drop();
    }
  });

  it('is compared with when the worker began', async () => {
    const startedMs = (await startedAtMs(worker.pid ?? 0)) ?? 0;
    expect(startedMs).toBeGreaterThan(performance.timeOrigin);
    expect(startedMs).toBeLessThan(Date.now());
    expect(await startedAtMs(2 ** 22 + 1)).toBeNull();
  });
});
