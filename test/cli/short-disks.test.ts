/** `tasks status` where a host's disk is full, or nearly so. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerReport } from '../../src/core/hosts.ts';
import { openLedger } from '../../src/ledger/ledger.ts';
import { SmallDisk } from '../faults/small-disk.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment } from './rig.ts';

const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
const GIB = 1024 ** 3;
const REPORT: WorkerReport = {
  host: 'ada-1',
  worker: '10',
  version: '0.3.0',
  labels: [],
  agents: { used: 0, total: 4 },
  gates: { used: 0, total: 1 },
  load: 0.5,
  cores: 2,
  freeBytes: 1.5 * GIB,
};
const FIX = 'make room there (tasks gc is a start), or put its TASKS_HOME on a larger disk';

describe('status', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await testDatabase();
    const ledger = openLedger({ url: database.url, applicationName: 'test', maxConnections: 1 });
    await ledger.migrate();
    await ledger.reportWorker(REPORT, false);
    await ledger.reportWorker({ ...REPORT, host: 'ada-2', freeBytes: 20 * GIB }, false);
    await ledger.reportWorker({ ...REPORT, host: 'ada-3' }, true);
    await ledger.close();
  });

  afterAll(async () => {
    await database.drop();
  });

  it('names the hosts that report a short disk, with what to do', async () => {
    const folder = await tempFolder('status');
    const env = cliEnvironment(folder, { TEMPORAL_ADDRESS: '127.0.0.1:1', DATABASE_URL: database.url });
    const { stdout } = await cli({ cwd: folder, env }, ['status']);
    expect(stdout.match(/^disk .*$/gm)).toEqual([`disk       ada-1 has 1.5 GiB left; ${FIX}`]);
    const [told] = (await cli({ cwd: folder, env }, ['status', '--json'])).json<object>();
    expect(told).toMatchObject({ shortDisks: [{ host: 'ada-1', freeBytes: REPORT.freeBytes }] });
  });

  (canMount ? it : it.skip)("looks at this machine's own disk, also when nothing answers", async () => {
    const folder = await tempFolder('status');
    const disk = await SmallDisk.mount(join(folder, 'disk'), 2);
    try {
      const env = cliEnvironment(folder, { TASKS_HOME: disk.folder });
      expect((await cli({ cwd: folder, env }, ['status'])).stdout).toContain(
        `\ndisk       this machine has 2 MiB left; ${FIX}\n`,
      );
      await writeFile(join(disk.folder, 'host-id'), 'ada-1\n');
      const servers = { TEMPORAL_ADDRESS: '127.0.0.1:1', DATABASE_URL: database.url };
      const { stdout } = await cli({ cwd: folder, env: { ...env, ...servers } }, ['status']);
      expect(stdout.match(/^disk .*$/gm)).toEqual([`disk       ada-1 has 2 MiB left; ${FIX}`]);
    } finally {
      await disk.unmount();
    }
  });
});
