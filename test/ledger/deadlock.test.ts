import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { openDatabase, type Database } from '../../src/ledger/database.ts';
import { eventually } from '../support/eventually.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';

/** Takes one lock, and then another one. */
const BOTH = `
with one as materialized (select pg_advisory_xact_lock(1)), two as materialized (select pg_advisory_xact_lock(2) from one)
select count(*) as locked from two`;
const WAITING = `select from pg_stat_activity where application_name = 'statement' and wait_event_type = 'Lock'`;

describe('a statement that lost a deadlock', () => {
  let own: TestDatabase;
  let database: Database;
  let other: Client;

  beforeAll(async () => {
    own = await testDatabase();
    database = openDatabase({ url: own.url, applicationName: 'statement', maxConnections: 1 });
    other = new Client({ connectionString: own.url });
    await other.connect();
  });

  afterAll(async () => {
    await other.end();
    await database.close();
    await own.drop();
  });

  it('is sent again, and whoever sent it hears nothing of that', async () => {
    // It is the other one that finds the deadlock, and gives up.
    await other.query(`set deadlock_timeout = '60s'`);
    await other.query('begin');
    await other.query('select pg_advisory_xact_lock(2)');
    const locked = database.query({ text: BOTH }, (row) => Number(row['locked']));
    await eventually('it to wait', async () => {
      // What a transaction has seen of others it sees again.
      await other.query('select pg_stat_clear_snapshot()');
      return (await other.query(WAITING)).rows.length === 1;
    });
    await other.query('select pg_advisory_xact_lock(1)');
    await other.query('commit');
    expect(await locked).toEqual([1]);
  });
});
