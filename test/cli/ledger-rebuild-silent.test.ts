/** `tasks ledger rebuild` beside a task whose history no worker here can replay. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import { openDatabase } from '../../src/ledger/database.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';
import { wedgingTasks } from '../support/wedges.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

const WHY = 'the workers that run cannot replay its history; start one of the build that has written it';

describe('a task whose history only another build can replay', () => {
  let rig: PeopleRig;
  let asks: TaskId;
  let lands: TaskId;
  let tasks: (...argv: string[]) => Promise<CliRun>;

  beforeAll(async () => {
    rig = await PeopleRig.start({ replayed: `ExecutionStatus != 'Terminated'` });
    const { engine } = rig;
    const env = cliEnvironment(engine.home, engine.servers);
    tasks = (...argv) => cli({ cwd: engine.home, env }, argv);
    await engine.drainWorker();
    await engine.startWorker(engine.home, 'host', { workflows: await wedgingTasks('asking') });
    const question = unlessTold('answered:**', { status: 'question', question: 'Sure?' });
    const { project } = await rig.project({
      execute: `echo x > "$TASKS_TASK_ID"; if told 'Please ask'; then ${question}; fi`,
    });
    asks = await engine.submit(project, { title: 'Please ask' });
    await rig.asked(asks, 1);
    await engine.drainWorker();
    await engine.startWorker(engine.home, 'host');
    lands = await engine.submit(project, { title: 'Lands' });
    expect(await engine.untilEnded(lands)).toMatchObject({ state: 'landed' });
  });

  afterAll(async () => {
    await rig.engine.handle(asks).terminate('its test is over');
    await rig.stop();
  });

  it('is named with the reason, and keeps no other from being built whole', async () => {
    const database = openDatabase({ url: rig.engine.database.url, applicationName: 'test', maxConnections: 1 });
    await database.query({ text: 'drop schema tributary cascade' }, () => null);
    await database.close();
    const run = await tasks('ledger', 'rebuild', '--json');
    const [summary] = run.json<Record<string, unknown>>().slice(-1);
    const reasons = [{ why: WHY, tasks: 1, such: asks }];
    expect(summary).toMatchObject({ tasks: 1, partial: 0, unknown: [asks], unread: [], reasons });
    expect(run.code).toBe(1);
    expect(await rig.engine.ledger.readTask(lands)).toMatchObject({ state: 'landed', title: 'Lands' });
  });

  it('is told of to people in the same words', async () => {
    const { stderr } = await tasks('ledger', 'rebuild', '--dry-run');
    expect(stderr.split('\n').slice(1)).toEqual([
      'of 1 nothing is known but that they are there',
      `  1 (such as ${asks}): ${WHY}`,
      '',
    ]);
  });
});
