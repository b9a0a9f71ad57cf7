/** A ledger that no worker has made tables in yet, or only those of an older version. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../src/ledger/database.ts';
import { migrate } from '../../src/ledger/migrate.ts';
import { MIGRATIONS } from '../../src/ledger/migrations/index.ts';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

describe('a ledger', () => {
  let database: TestDatabase;
  let place: CliPlace;

  beforeAll(async () => {
    database = await testDatabase();
    const folder = await tempFolder('fresh');
    const servers = { TEMPORAL_ADDRESS: '127.0.0.1:1', DATABASE_URL: database.url };
    place = { cwd: folder, env: cliEnvironment(folder, servers) };
  });

  afterAll(async () => {
    await database.drop();
  });

  async function made(count: number): Promise<void> {
    const opened = openDatabase({ url: database.url, applicationName: 'test', maxConnections: 1 });
    await migrate(opened, MIGRATIONS.slice(0, count));
    await opened.close();
  }

  it('that is new says so, and who makes its tables', async () => {
    const shown = await cli(place, ['status']);
    const line =
      'tasks      none on record: the ledger is new, the first worker makes its tables (tasks worker, or tasks up)';
    expect(shown.stdout).toContain(`${line}\n`);
    expect(shown).toMatchObject({ code: 0, stderr: '' });
    const [told] = (await cli(place, ['status', '--json'])).json<{ ledger: string; tasks: object | null }>();
    expect(told).toMatchObject({ ledger: 'new', tasks: null });
    const list = await cli(place, ['list']);
    const why = 'the ledger cannot be used: it has no tables of Tributary yet; start a worker, which makes them';
    expect(list).toMatchObject({ code: 1, stdout: '', stderr: `tasks: ${why}\n` });
  });

  it('that has the tables of an older version is called so, and not new', async () => {
    await made(1);
    const { stderr } = await cli(place, ['hosts']);
    expect(stderr).toMatch(/its tables are older than this program; start a worker of this version/);
  });

  it('that has its tables and no tasks says that there are none', async () => {
    await made(MIGRATIONS.length);
    const shown = await cli(place, ['status']);
    expect(shown.stdout).toContain('tasks      no tasks yet\n');
    const [told] = (await cli(place, ['status', '--json'])).json<{ ledger: string; tasks: object | null }>();
    expect(told).toMatchObject({ ledger: 'ok', tasks: {} });
  });

  it('that does not answer is called away', async () => {
    const env = { ...place.env, DATABASE_URL: 'postgres://127.0.0.1:1/none' };
    const [told] = (await cli({ ...place, env }, ['status', '--json'])).json<{ ledger: string }>();
    expect(told).toMatchObject({ ledger: 'away', tasks: null });
  });
});
