import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { openLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { keepMigrated } from '../../src/worker/ledger-schema.ts';
import { eventually } from '../support/eventually.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';

/** The advisory lock of everybody who migrates. */
const LOCK = '8389772276738712';
const PACE = { againMs: 1, patienceMs: 60_000 };

describe("a ledger that another worker's migration keeps for long", () => {
  let database: TestDatabase;
  let other: Client;
  let ledger: Ledger;

  beforeEach(async () => {
    database = await testDatabase();
    other = new Client({ connectionString: database.url });
    await other.connect();
    ledger = openLedger({ url: database.url, applicationName: 'worker', maxConnections: 2 });
  });

  afterEach(async () => {
    // First: its lock goes with it.
    await other.end();
    await ledger.close();
    await database.drop();
  });

  /** Nobody may change this of the database that they are in. */
  async function letIn(name: string, allowed: boolean): Promise<void> {
    const admin = new Client({
      connectionString: Object.assign(new URL(database.url), { pathname: '/postgres' }).href,
    });
    await admin.connect();
    await admin.query(`alter database ${name} allow_connections ${allowed}`);
    await admin.end();
  }

  /** What another worker does that migrates. */
  async function locked(): Promise<string> {
    const name = new URL(database.url).pathname.slice(1);
    await other.query(`select pg_advisory_lock(${LOCK})`);
    await letIn(name, false);
    return name;
  }

  const waiting = async (): Promise<boolean> =>
    (await other.query("select from pg_stat_activity where application_name = 'worker' and wait_event_type = 'Lock'"))
      .rows.length > 0;

  const connected = async (): Promise<boolean> =>
    (await other.query("select from pg_stat_activity where application_name = 'worker'")).rows.length > 0;

  it("is not waited for by a worker's start, which says so, and is migrated when it is free", async () => {
    await other.query(`select pg_advisory_lock(${LOCK})`);
    const said: string[] = [];
    const stop = await keepMigrated(ledger, (message, { reason = '' }) => said.push(`${message} ${String(reason)}`), {
      ...PACE,
      patienceMs: 1,
    });
    expect(said).toEqual([expect.stringContaining('ledger unavailable its schema is being brought up to date')]);
    await eventually('the worker to wait', waiting);
    await other.query(`select pg_advisory_unlock(${LOCK})`);
    await eventually('the ledger to be ready', () => said.length > 1);
    expect(said.slice(1)).toEqual(['ledger ready ']);
    expect(await ledger.checkVersion()).toMatchObject({ kind: 'ok' });
    stop();
  });

  it('is waited for by one connection when it was away first, and is migrated then', async () => {
    const name = await locked();
    const said: string[] = [];
    let [atOnce, most] = [0, 0];
    const migrate: Ledger['migrate'] = () => {
      most = Math.max(most, (atOnce += 1));
      return ledger.migrate().finally(() => (atOnce -= 1));
    };
    const stop = await keepMigrated({ migrate }, (message) => said.push(message), PACE);
    expect(said).toEqual(['ledger unavailable']);
    await letIn(name, true);
    await eventually('the worker to wait', waiting);
    await other.query(`select pg_advisory_unlock(${LOCK})`);
    await eventually('the ledger to be ready', () => said.includes('ledger ready'));
    expect(most).toBe(1);
    expect(await ledger.checkVersion()).toMatchObject({ kind: 'ok' });
    stop();
  });

  it('is waited for no more by a worker that stops, and nothing of it is migrated', async () => {
    const name = await locked();
    const said: string[] = [];
    const stop = await keepMigrated(ledger, (message) => said.push(message), PACE);
    await letIn(name, true);
    await eventually('the worker to wait', waiting);
    said.length = 0;
    stop();
    await ledger.close();
    await other.query(`select pg_advisory_unlock(${LOCK})`);
    await eventually('its connection to end', async () => !(await connected()));
    const made = await other.query("select from pg_namespace where nspname = 'tributary'");
    expect(made.rows).toEqual([]);
    expect(said).toEqual(['ledger unavailable']);
  });
});
