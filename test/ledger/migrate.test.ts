import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { openDatabase, type Database } from '../../src/ledger/database.ts';
import { openLedger, type Ledger } from '../../src/ledger/ledger.ts';
import { checkVersion, migrate } from '../../src/ledger/migrate.ts';
import { MIGRATIONS } from '../../src/ledger/migrations/index.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { openLedgerReader } from '../../src/ledger/reader.ts';
import { LedgerUnavailable } from '../../src/ledger/types.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';
import { taskId } from './rig.ts';

const version = MIGRATIONS.length;
const first = { number: 1, name: 'one', sql: 'create table tributary.one (id integer)' };
const second = { number: 2, name: 'two', sql: 'create table tributary.two (id integer)' };

let keeper: TestDatabase;
let current: TestDatabase;
let database: Database;
const ledgers: Ledger[] = [];

beforeEach(async () => {
  // Keeps the file's server up between the tests' own databases.
  keeper ??= await testDatabase();
  current = await testDatabase();
  database = openDatabase({ url: current.url, applicationName: 'test', maxConnections: 2 });
});

afterEach(async () => {
  for (const ledger of ledgers.splice(0)) await ledger.close();
  await database.close();
  await current.drop();
});

afterAll(() => keeper.drop());

function newLedger(): Ledger {
  const ledger = openLedger({ url: current.url, applicationName: 'test', maxConnections: 2 });
  ledgers.push(ledger);
  return ledger;
}

const give = (text: string) => database.query({ text }, () => null);

describe('migrating', () => {
  it('numbers its migrations from 1 without a gap', () => {
    expect(MIGRATIONS.map(({ number }) => number)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  it('makes an empty database the current one, once', async () => {
    const ledger = newLedger();
    expect(await ledger.checkVersion()).toMatchObject({ kind: 'older', version: 0 });
    expect(await ledger.migrate()).toMatchObject({ kind: 'migrated', version });
    expect(await ledger.checkVersion()).toEqual({ kind: 'ok', version });
    expect(await ledger.migrate()).toEqual({ kind: 'current', version });
  });

  it('takes no right from a user to find that all is there, and one that is missing is no fault of what was told', async () => {
    const owner = newLedger();
    await owner.migrate();
    const user = `limited_${randomBytes(6).toString('hex')}`;
    await give(`create role ${user} login password 'secret'`);
    try {
      await give(`grant usage on schema tributary to ${user}`);
      await give(`grant select on all tables in schema tributary to ${user}`);
      const url = Object.assign(new URL(current.url), { username: user, password: 'secret' }).href;
      const limited = openLedger({ url, applicationName: 'test', maxConnections: 1 });
      ledgers.push(limited);
      expect(await limited.migrate()).toEqual({ kind: 'current', version });
      const refused = limited.beginAttempt(taskId('a'), 1, 'h1', '2026-01-01T00:00:00.000Z');
      await expect(refused).rejects.toThrow(LedgerUnavailable);
      await expect(refused).rejects.toThrow(/does not let this user/);
    } finally {
      await give(`drop owned by ${user}`);
      await give(`drop role ${user}`);
    }
  });

  it('applies each migration once when several workers migrate at once', async () => {
    const results = await Promise.all([newLedger(), newLedger(), newLedger()].map((ledger) => ledger.migrate()));
    const applied = results.flatMap((result) => (result.kind === 'migrated' ? result.applied : []));
    expect(applied.toSorted()).toEqual([
      '0001-tasks',
      '0002-logs-and-artifacts',
      '0003-projects-and-verdicts',
      '0004-asks',
      '0005-flakes',
      '0006-radar',
      '0007-hosts',
    ]);
    expect(results.map((result) => result.version)).toEqual([version, version, version]);
  });

  it('refuses a migration that was changed after it was applied, by name, and changes nothing', async () => {
    await migrate(database, [first]);
    const changed = { ...first, sql: `${first.sql} -- changed` };
    expect(await migrate(database, [changed, second])).toMatchObject({
      kind: 'refused',
      version: 1,
      message: expect.stringContaining('0001-one'),
    });
    expect(await checkVersion(database, [first, second])).toMatchObject({ kind: 'older', version: 1 });
  });

  it('refuses a schema of a newer program, and says which side to update', async () => {
    await migrate(database, [first, second]);
    const message = "this worker is older than the ledger's schema 2; update it";
    expect(await migrate(database, [first])).toEqual({ kind: 'refused', version: 2, message });
    expect(await checkVersion(database, [first])).toEqual({ kind: 'newer', version: 2, message });
  });

  it('leaves nothing of a migration that fails', async () => {
    const broken = { ...second, sql: `${second.sql}; select 1 / 0` };
    await expect(migrate(database, [first, broken])).rejects.toThrow('division by zero');
    expect(await checkVersion(database, [first, second])).toMatchObject({ kind: 'older', version: 1 });
    expect(await migrate(database, [first, second])).toEqual({ kind: 'migrated', version: 2, applied: ['0002-two'] });
  });

  it('tells a reader of a database without tables that it is not there yet', async () => {
    const reader = openLedgerReader({ url: current.url });
    await expect(reader.readTask(taskId('a'))).rejects.toThrow(LedgerUnavailable);
    await expect(reader.readTask(taskId('a'))).rejects.toThrow(/start a worker/);
    await reader.close();
  });
});

describe('the migration to asks', () => {
  it('keeps the questions of the first version with their answers, and knows the type of its tasks', async () => {
    await migrate(database, MIGRATIONS.slice(0, 3));
    await database.query(
      {
        text: `insert into tributary.questions values
          ('a', 1, 'question', 'Which flag?', '2026-02-03T04:05:01Z', '--json', 'Ada', '2026-02-03T04:05:02Z'),
          ('a', 2, 'question', 'And how?', '2026-02-03T04:05:03Z', null, null, null),
          ('b', 1, null, null, null, 'early', 'Ada', '2026-02-03T04:05:04Z')`,
      },
      () => null,
    );
    await database.query(
      {
        text: `insert into tributary.tasks (id, project, state, agent, owner, created_at, waits_for_person, sequence, view)
          values ('a', 'p', 'waiting', 'claude', 'Ada', now(), true, 1, '{"id": "a", "waitingFor": null}')`,
      },
      () => null,
    );
    const ledger = newLedger();
    expect(await ledger.migrate()).toMatchObject({
      kind: 'migrated',
      applied: ['0004-asks', '0005-flakes', '0006-radar', '0007-hosts'],
    });
    const asked = { kind: 'question', body: '', choices: [], default: null, items: [], for: null, expiresAt: null };
    expect(await ledger.readAsks('a' as TaskId)).toEqual([
      {
        ...asked,
        version: 1,
        text: 'Which flag?',
        since: '2026-02-03T04:05:01.000Z',
        reminders: 0,
        reply: { how: 'answered', text: '--json', items: [], actor: 'Ada', at: '2026-02-03T04:05:02.000Z' },
      },
      { ...asked, version: 2, text: 'And how?', since: '2026-02-03T04:05:03.000Z', reminders: 0, reply: null },
    ]);
    expect(await ledger.readAsks('b' as TaskId)).toEqual([]);
    expect(await ledger.listTasks({ project: null, states: [], limit: 9, types: ['task'] })).toMatchObject([
      { id: 'a', type: 'task', parent: null },
    ]);
  });
});
