/** A worker whose Temporal is there and answers nothing, as one whose machine hangs or whose network drops what it is sent. */

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { RunningTemporal } from '../../src/local/temporal-server.ts';
import { ownServer } from '../support/own-server.ts';
import { testDatabase } from '../support/postgres.ts';
import { tempFolder } from '../support/temp.ts';
import { WorkerProcess } from '../support/worker-process.ts';

let server: RunningTemporal;
let database: Awaited<ReturnType<typeof testDatabase>>;

beforeAll(async () => {
  server = await ownServer();
  database = await testDatabase();
});

afterAll(async () => {
  await server.stop();
  await database.drop();
});

it('a worker that drains is ended all the same when Temporal answers nothing', async () => {
  const home = await tempFolder('home');
  const servers = { TEMPORAL_ADDRESS: server.address, TEMPORAL_NAMESPACE: 'default', DATABASE_URL: database.url };
  const worker = await WorkerProcess.start({ home, servers }, ['--grace-ms', '100', '--end-ms', '1000']);
  process.kill(server.process.pid, 'SIGSTOP');
  expect(await worker.stop()).toBe(1);
  expect(worker.log.at(-1)).toContain('ended all the same');
  expect(await worker.children()).toEqual([]);
});
