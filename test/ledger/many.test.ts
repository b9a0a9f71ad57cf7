/** What is asked of a ledger again and again reads what is open, however much has ended. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ProjectName } from '../../src/core/ids.ts';
import type { TaskStateName } from '../../src/core/task-types.ts';
import { openDatabase, type Database } from '../../src/ledger/database.ts';
import { openLedgerReader } from '../../src/ledger/reader.ts';
import type { LedgerReader } from '../../src/ledger/types.ts';
import { eventually } from '../support/eventually.ts';
import { migratedLedger, view } from './rig.ts';

const ENDED = 20_000;
const OPEN = 40;
const FLAKES = 10;

/** Every other open one waits for a person, and the others have an attempt that is scheduled or runs. */
const TASKS = `
insert into tributary.tasks (id, project, state, agent, owner, created_at, ended_at, waiting_kind, waiting_since,
  waits_for_person, sequence, view)
select id, 'shop', state, 'claude', 'Ada', at, case when state = 'landed' then at end,
  case when state = 'waiting' then 'attempts' end, case when state = 'waiting' then at end, state = 'waiting', 2,
  $1::jsonb || jsonb_build_object('id', id, 'state', state)
from (
  select lpad(n::text, 10, '0') as id, timestamptz '2026-01-01' + n * interval '1 second' as at,
    case when n <= ${ENDED} then 'landed' when n % 2 = 0 then 'waiting' else 'running' end as state
  from generate_series(1, ${ENDED + OPEN}) as n
) as made`;
const BEGUN = `
insert into tributary.attempts (task_id, attempt, began_on, began_at)
select id, 1, 'host', created_at from tributary.tasks where state = 'landed' or id like '%1'`;
const VERDICTS = `
insert into tributary.verdicts (tree, gate_hash, kind, task_id, project, text, duration_ms, at)
select id, 'g', 'green', id, case when ended_at is null then 'shop' else 'other' end, '', 1, created_at
from tributary.tasks`;
const FLAKY = `
insert into tributary.flakes (project, test, tree, gate_hash, command, text, task_id, at)
select 'shop', 'test ' || id, id, 'g', 'npm test', '', id, timestamptz '2026-01-01'
from tributary.tasks order by id limit ${FLAKES}`;

const list = (ledger: LedgerReader, states: readonly TaskStateName[]) =>
  ledger.listTasks({ project: null, states, limit: 1_000 });

describe('of a ledger with very many tasks that have ended', () => {
  let database: Database;
  let url: string;
  let own: LedgerReader;

  const connect = (applicationName: string): Database => openDatabase({ url, applicationName, maxConnections: 1 });

  /** How many rows of a table, or entries of its indexes, the server has gone through. */
  async function readOf(table: string): Promise<number> {
    const text = `select t.seq_tup_read + (select sum(idx_tup_read) from pg_stat_user_indexes i where i.relid = t.relid)
      as read from pg_stat_user_tables t where relname = '${table}'`;
    const [read] = await database.query({ text }, (row) => Number(row['read']));
    return read ?? Number.NaN;
  }

  /** A connection tells what it has read when it is gone, at the latest. */
  async function untilGone(applicationName: string): Promise<void> {
    const text = `select from pg_stat_activity where application_name = '${applicationName}' and datname = current_database()`;
    await eventually(
      `${applicationName} to be gone`,
      async () => (await database.query({ text }, () => null)).length === 0,
    );
  }

  async function readFor(table: string, work: (ledger: LedgerReader) => Promise<unknown>): Promise<number> {
    const before = await readOf(table);
    const ledger = openLedgerReader({ url });
    await work(ledger);
    await ledger.close();
    await untilGone('tributary-cli');
    return (await readOf(table)) - before;
  }

  beforeAll(async () => {
    ({ ledger: own, url } = await migratedLedger());
    const making = connect('making');
    await making.query({ text: TASKS, values: [JSON.stringify(view())] }, () => null);
    for (const text of [BEGUN, VERDICTS, FLAKY]) await making.query({ text }, () => null);
    const tables = ['tasks', 'attempts', 'verdicts', 'flakes'].map((name) => `tributary.${name}`);
    await making.query({ text: `vacuum analyze ${tables.join(', ')}` }, () => null);
    await making.close();
    database = connect('looking');
    await untilGone('making');
  });

  afterAll(() => database.close());

  it.each([
    ['all that are open', ['queued', 'running', 'waiting', 'landing'], OPEN],
    ['those that are queued', ['queued'], 16],
    ['those that run', ['running'], 4],
    ['those that are landing', ['landing'], 0],
  ] as const)('a list of %s reads nothing else', async (_what, states, count) => {
    let listed = 0;
    const read = await readFor('tasks', async (ledger) => {
      listed = (await list(ledger, states)).length;
    });
    expect(listed).toBe(count);
    expect(read).toBeLessThan(10 * OPEN);
  });

  it('the inbox reads no more than it shows', async () => {
    let shown = 0;
    const read = await readFor('tasks', async (ledger) => {
      shown = (await ledger.readInbox(null, 5)).length;
    });
    expect(shown).toBe(5);
    expect(read).toBeLessThan(OPEN);
  });

  it('the rates of flakes read the verdicts of their own project', async () => {
    let listed: readonly { readonly runs: number }[] = [];
    const read = await readFor('verdicts', async (ledger) => {
      listed = await ledger.listFlakes('shop' as ProjectName, 100);
    });
    expect(listed.map(({ runs }) => runs)).toEqual(Array.from({ length: FLAKES }, () => OPEN));
    expect(read).toBeLessThanOrEqual(FLAKES * OPEN);
  });

  it('the counts are those of all, as they are shown', async () => {
    expect(await own.countByState(null)).toEqual({ landed: ENDED, waiting: OPEN / 2, queued: 16, running: 4 });
  });
});
