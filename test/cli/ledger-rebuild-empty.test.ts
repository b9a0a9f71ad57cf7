/** `tasks ledger rebuild --dry-run` of a ledger that has lost its tables, too. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '../support/postgres.ts';
import { tempFolder } from '../support/temp.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

describe('a ledger without tables', () => {
  let database: TestDatabase;
  let namespace: TestNamespace;
  let tasks: (...argv: string[]) => Promise<CliRun>;

  beforeAll(async () => {
    [database, namespace] = await Promise.all([testDatabase(), testNamespace()]);
    const folder = await tempFolder('empty-ledger');
    const { address: TEMPORAL_ADDRESS, namespace: TEMPORAL_NAMESPACE } = namespace;
    const env = cliEnvironment(folder, { TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, DATABASE_URL: database.url });
    tasks = (...argv) => cli({ cwd: folder, env }, argv);
  });

  afterAll(async () => {
    await database.drop();
  });

  it('has a dry run name the command that makes them, and make nothing itself', async () => {
    const why = 'all is missing: the ledger has no tables of Tributary; make and fill them with tasks ledger rebuild';
    for (let times = 0; times < 2; times += 1) {
      const dry = await tasks('ledger', 'rebuild', '--dry-run');
      expect(dry).toMatchObject({ code: 1, stdout: '', stderr: `tasks: ${why}\n` });
    }
    expect((await tasks('ledger', 'rebuild')).code).toBe(0);
    expect((await tasks('ledger', 'rebuild', '--dry-run')).code).toBe(0);
  });
});
