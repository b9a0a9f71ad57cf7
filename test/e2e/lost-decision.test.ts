/** A worker that dies between telling people of a question and putting it into the workflow's history. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { workflowIds } from '../../src/core/ids.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';
import { eventually } from '../support/eventually.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const ASKS = { status: 'question', question: 'Which port?' };
const LOCK = 77;
/** Has the ledger stand still over a question; what it has been given it keeps, whether or not somebody still waits. */
const HOLD = `
create function tributary.hold() returns trigger language plpgsql as $$
begin perform pg_advisory_xact_lock(${LOCK}); return new; end $$;
create trigger hold before insert on tributary.events for each row when (new.kind = 'asked') execute function tributary.hold()`;
const LET_GO = 'drop trigger hold on tributary.events; drop function tributary.hold()';

describe('a question that people know of before its workflow has it', () => {
  let rig: PeopleRig;
  let database: Client;

  beforeAll(async () => {
    rig = await PeopleRig.start();
    await rig.engine.drainWorker();
    database = new Client({ connectionString: rig.engine.database.url });
    await database.connect();
  });

  afterAll(async () => {
    await database.end();
    await rig.stop();
  });

  it('is answered by a signal that does not name it', async () => {
    const { project } = await rig.project({ execute: `${unlessTold('answered:**', ASKS)}; echo x > work` });
    const first = await WorkerProcess.start(rig.engine);
    await database.query(`${HOLD}; select pg_advisory_lock(${LOCK})`);
    const id = await rig.engine.submit(project, { title: 'Work' });
    const waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted";
    await eventually('the question to be told', async () => (await database.query(waiting)).rows.length > 0);
    await first.kill();
    await database.query(`select pg_advisory_unlock(${LOCK})`);
    await eventually('it to be known', async () => (await rig.engine.ledger.readTask(id))?.state === 'waiting');
    await database.query(LET_GO);
    await rig.engine.client.workflow.getHandle(workflowIds.task(id)).signal('answer', { text: '80', actor: 'Cem' });

    const second = await WorkerProcess.start(rig.engine);
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await rig.lastPrompt(id)).toContain('**Cem answered:** 80');
    await rig.happened(id, 'refused', 0);
    await second.stop();
  });
});
