import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkerReport } from '../../src/core/hosts.ts';
import { openDatabase, type Database } from '../../src/ledger/database.ts';
import { openLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { openLedgerOperator, type LedgerOperator } from '../../src/ledger/operator.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';

const REPORT: WorkerReport = {
  host: 'ada-1',
  worker: '10',
  version: '0.3.0',
  labels: ['gpu'],
  agents: { used: 0, total: 4 },
  gates: { used: 0, total: 1 },
  load: 0.5,
  cores: 2,
  freeBytes: 1e9,
};

function age(database: Database, worker: string, time: string): Promise<unknown> {
  const text = `update tributary.workers set seen_at = now() - interval '${time}' where worker = $1`;
  return database.query({ text, values: [worker] }, () => null);
}

describe('hosts in the ledger', () => {
  let test: TestDatabase;
  let ledger: Ledger;
  let operator: LedgerOperator;
  let database: Database;

  beforeAll(async () => {
    test = await testDatabase();
    ledger = openLedger({ url: test.url, applicationName: 'test', maxConnections: 2 });
    operator = openLedgerOperator({ url: test.url });
    database = openDatabase({ url: test.url, applicationName: 'test', maxConnections: 1 });
    await ledger.migrate();
  });

  afterAll(async () => {
    await Promise.all([ledger.close(), operator.close(), database.close()]);
    await test.drop();
  });

  it('have the last report of each worker', async () => {
    await ledger.reportWorker(REPORT, false);
    await ledger.reportWorker({ ...REPORT, worker: '11' }, false);
    await ledger.reportWorker({ ...REPORT, load: 2 }, true);
    const seen = await ledger.readWorkers();
    expect(seen.toSorted((one, other) => one.worker.localeCompare(other.worker))).toEqual([
      { ...REPORT, load: 2, stopped: true, seenMsAgo: expect.any(Number) },
      { ...REPORT, worker: '11', stopped: false, seenMsAgo: expect.any(Number) },
    ]);
  });

  it('are drained once, and no more once they are undrained; a report says so', async () => {
    expect(await ledger.reportWorker(REPORT, false)).toBe(false);
    expect(await operator.drainHost('ada-1', 'Grace')).toBe(true);
    expect(await operator.drainHost('ada-1', 'Eve')).toBe(false);
    expect(await ledger.readDrains()).toEqual([{ host: 'ada-1', by: 'Grace', since: expect.any(String) }]);
    expect(await ledger.reportWorker(REPORT, false)).toBe(true);
    expect(await ledger.reportWorker({ ...REPORT, host: 'eve-1' }, false)).toBe(false);
    expect(await operator.undrainHost('ada-1')).toBe(true);
    expect(await operator.undrainHost('ada-1')).toBe(false);
    expect(await ledger.reportWorker(REPORT, false)).toBe(false);
  });

  it('keep no row of a worker that is long gone', async () => {
    await ledger.reportWorker({ ...REPORT, host: 'old-1', worker: 'month' }, false);
    await age(database, 'month', '31 days');
    await age(database, '11', '11 minutes');
    await ledger.reportWorker(REPORT, false);
    const left = (await ledger.readWorkers()).map(({ worker }) => worker);
    expect(left).not.toContain('month');
    expect(left).not.toContain('11');
    expect(left).toContain('10');
  });
});
