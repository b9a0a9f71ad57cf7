/** `tasks ledger rebuild` after a run of tasks of every kind: the ledger that it builds of nothing is the one that was. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { openDatabase, type Database } from '../../src/ledger/database.ts';
import { eventually } from '../support/eventually.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

type Rows = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;

/** What is built anew: all but logs, artifacts, verdicts, flakes, what the radar saw, and hosts. */
const TABLES = {
  tasks: 'id',
  events: 'task_id, sequence',
  attempts: 'task_id, attempt',
  asks: 'task_id, version',
  landings: 'task_id',
  projects: 'name',
};

const FORGET_MS = 90_000;

describe('a ledger', () => {
  let rig: PeopleRig;
  let database: Database;
  let env: Record<string, string>;
  let origin: string;
  const ids = new Map<string, TaskId>();
  const idOf = (name: string): TaskId => {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`there is no task ${name}`);
    return id;
  };

  const tasks = (...argv: string[]): Promise<CliRun> => cli({ cwd: rig.engine.home, env }, argv);
  const all = (text: string) => database.query({ text }, (row) => row);
  /** Without what Temporal knows to some milliseconds only, and what nothing but the ledger says. */
  const rows = async (): Promise<Rows> => {
    const kept: [string, readonly Readonly<Record<string, unknown>>[]][] = [];
    for (const [table, order] of Object.entries(TABLES)) {
      const found = await all(`select * from tributary.${table} order by ${order}`);
      kept.push([table, found.map(({ began_at: _began, bound_at: _bound, ...row }) => row)]);
    }
    return Object.fromEntries(kept);
  };

  beforeAll(async () => {
    rig = await PeopleRig.start({ limits: { outsideEveryMs: 100 } });
    database = openDatabase({ url: rig.engine.database.url, applicationName: 'test', maxConnections: 1 });
    env = cliEnvironment(rig.engine.home, rig.engine.servers);
    await runTasks();
  });

  /** Sets a task's workflow back to where its first attempt had just been judged. */
  async function setBack(id: TaskId): Promise<void> {
    const { namespace } = rig.engine.namespace;
    const { runId } = await rig.engine.handle(id).describe();
    const { events } = await rig.engine.handle(id).fetchHistory();
    const ended = (events ?? []).find((event) => event.activityTaskCompletedEventAttributes)?.eventId;
    const finish = (events ?? []).find(
      (event) => event.workflowTaskCompletedEventAttributes && Number(event.eventId) > Number(ended),
    );
    if (!finish?.eventId) throw new Error('no attempt has been judged');
    await rig.engine.client.workflowService.resetWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: workflowIds.task(id), runId },
      reason: 'to try again',
      requestId: randomUUID(),
      workflowTaskFinishEventId: finish.eventId,
    });
  }

  /** Tasks that landed, asked, were retried while they waited and after they had ended, were set back, canceled, terminated, and wait. */
  async function runTasks(): Promise<void> {
    const { engine } = rig;
    const asks = { status: 'question', question: 'Sure?' };
    const { project } = await rig.project({
      plan: 'echo p > "$TASKS_TASK_DIR/plan.md"',
      execute: `echo x > "$TASKS_TASK_ID"; if told 'Please ask'; then ${unlessTold('answered:**', asks)}; fi`,
    });
    origin = project.origin;
    const mended = join(engine.home, 'mended');
    const submit = async (name: string, run: string | null): Promise<TaskId> => {
      const work = run === null ? {} : { work: { kind: 'shell', run } as const };
      const id = await engine.submit(project, { title: name, attempts: 1, ...work });
      ids.set(name, id);
      return id;
    };
    const guard = `test -e '${mended}' && echo x > "$TASKS_TASK_ID"`;
    await submit('lands', null);
    await submit('is retried', guard);
    await submit('ends and begins again', guard);
    await submit('is canceled', guard);
    await submit('is terminated', guard);
    await submit('waits', guard);
    const approved = await engine.submit(project, { title: 'is approved', policy: { approve: ['plan'] } });
    ids.set('is approved', approved);
    await submit('Please ask', null);
    await engine.untilWaiting(idOf('Please ask'), 'question');
    await engine.answer(idOf('Please ask'), 'yes');
    await submit('Please ask again', null);
    await engine.untilWaiting(idOf('Please ask again'), 'question');
    await setBack(idOf('Please ask again'));
    await engine.until(
      idOf('Please ask again'),
      'asking again',
      ({ attempt, waitingFor }) => attempt > 3 && waitingFor?.kind === 'question',
    );
    await engine.answer(idOf('Please ask again'), 'yes');
    await engine.untilWaiting(approved, 'proposal');
    await engine.reply(approved, 'approve', { version: 1 });
    for (const name of ['is retried', 'ends and begins again', 'is canceled', 'is terminated', 'waits']) {
      await engine.untilWaiting(idOf(name), 'attempts');
    }
    for (const name of ['ends and begins again', 'is canceled']) {
      await engine.cancel(idOf(name));
      await engine.untilEnded(idOf(name));
    }
    await engine.handle(idOf('is terminated')).terminate('not wanted');
    await writeFile(mended, '');
    expect((await tasks('retry', idOf('is retried'), idOf('ends and begins again'))).code).toBe(0);
    const landed = ['lands', 'is retried', 'ends and begins again', 'is approved', 'Please ask', 'Please ask again'];
    for (const name of landed) {
      expect(await engine.untilEnded(idOf(name))).toMatchObject({ state: 'landed' });
    }
    await rm(mended);
    await eventually('all to be on record', async () => {
      const states = new Map(
        (await engine.ledger.listTasks({ project: null, states: [], limit: 100 })).map((view) => [view.id, view.state]),
      );
      return (
        landed.every((name) => states.get(idOf(name)) === 'landed') && states.get(idOf('is terminated')) === 'failed'
      );
    });
  }

  afterAll(async () => {
    await database.close();
    await rig.stop();
  });

  it('is cared for by a command that has to be named', async () => {
    const { code, stderr } = await tasks('ledger');
    expect(stderr).toBe('tasks: ledger: say what to do with it, such as: tasks ledger rebuild --dry-run\n');
    expect(code).toBe(2);
  });

  it('that is as it was left does not differ from the workflows and git', async () => {
    const run = await tasks('ledger', 'rebuild', '--dry-run', '--json');
    expect(run.json()).toEqual([
      { kind: 'summary', dryRun: true, tasks: 9, different: 0, partial: 0, unknown: [], unread: [], reasons: [] },
    ]);
    expect(run).toMatchObject({ code: 0, stderr: '' });
  });

  it('that a worker told before it was lost, which another one told again, does not differ', async () => {
    const before = await rows();
    const id = idOf('Please ask');
    await all(`update tributary.events set at = at - interval '20 seconds' where task_id = '${id}' and sequence <= 2`);
    await all(
      `update tributary.attempts set scheduled_at = scheduled_at - interval '20 seconds' where task_id = '${id}'`,
    );
    expect((await tasks('ledger', 'rebuild', '--dry-run')).code).toBe(0);
    await all(`update tributary.events set at = at + interval '1 hour' where task_id = '${id}' and sequence = 1`);
    expect((await tasks('ledger', 'rebuild')).stdout).toContain(`${id}  events 1: differs: at`);
    expect(await rows()).toEqual(before);
  });

  it('that is lost is built anew as it was', async () => {
    const before = await rows();
    for (const [table, there] of Object.entries(before)) expect([table, there.length]).not.toEqual([table, 0]);
    await all('drop schema tributary cascade');
    const run = await tasks('ledger', 'rebuild');
    expect(run).toMatchObject({ code: 0, stderr: '9 tasks are known to Temporal and git: 10 were mended\n' });
    expect(run.stdout).toContain(`${idOf('lands')}  tasks: is missing in the ledger`);
    expect(await rows()).toEqual(before);
    const began = await all('select began_at from tributary.attempts where began_on is not null');
    expect(began.every(({ began_at: at }) => at instanceof Date)).toBe(true);
    expect((await tasks('ledger', 'rebuild', '--dry-run')).code).toBe(0);
  });

  it('that has gone wrong is told by a dry run, which changes nothing, and mended', async () => {
    const before = await rows();
    const [lands, waits] = [idOf('lands'), idOf('waits')];
    await all(`update tributary.tasks set state = 'failed' where id = '${lands}'`);
    await all(`delete from tributary.attempts where task_id = '${lands}' and attempt = 2`);
    await all(`insert into tributary.attempts (task_id, attempt, phase) values ('${waits}', 9, 'plan')`);
    const wrong = await rows();
    const run = await tasks('ledger', 'rebuild', '--dry-run', '--json');
    const project = 'people-1';
    expect(run.json().slice(0, -1)).toEqual(
      expect.arrayContaining([
        { task: lands, project, table: 'tasks', key: '', kind: 'different', columns: ['state'] },
        { task: lands, project, table: 'attempts', key: '2', kind: 'missing', columns: [] },
        { task: waits, project, table: 'attempts', key: '9', kind: 'extra', columns: [] },
      ]),
    );
    expect(run.json()).toHaveLength(4);
    expect(run.code).toBe(1);
    expect(await rows()).toEqual(wrong);
    expect((await tasks('ledger', 'rebuild')).code).toBe(0);
    expect(await rows()).toEqual(before);
  });

  it('is built all the same while an origin is gone, and that one is named', async () => {
    const before = await rows();
    await all('drop schema tributary cascade');
    await rename(origin, `${origin}.away`);
    const run = await tasks('ledger', 'rebuild', '--json').finally(() => rename(`${origin}.away`, origin));
    const [summary] = run.json<Record<string, unknown>>().slice(-1);
    const why = `people-1: main of ${origin} cannot be read: fatal: repository '${origin}' does not exist`;
    expect(summary).toMatchObject({ tasks: 9, partial: 0, unknown: [], unread: [why] });
    expect(run.code).toBe(1);
    expect(await rows()).toEqual(before);
    expect((await tasks('ledger', 'rebuild', '--dry-run')).code).toBe(0);
  });

  it('is only added to of what no worker tells, and keeps what it has', async () => {
    const before = await rows();
    await rig.engine.drainWorker();
    await all(`delete from tributary.tasks where id = '${idOf('lands')}'`);
    const run = await tasks('ledger', 'rebuild', '--json');
    const [summary] = run.json<Record<string, unknown>>().slice(-1);
    expect(summary).toMatchObject({
      partial: expect.any(Number),
      unknown: expect.arrayContaining([idOf('waits')]),
      reasons: [{ why: 'no worker answers; start one with: tasks up, or tasks worker' }],
    });
    expect(run.code).toBe(1);
    expect(await rows()).toEqual(before);
    await rig.engine.startWorker();
  });

  it('has what landed by its commit alone when Temporal keeps nothing of it any more', async () => {
    const { client, namespace } = rig.engine;
    const id = idOf('lands');
    const landing = (await rows())['landings']?.find(({ task_id: task }) => task === id);
    await client.workflowService.deleteWorkflowExecution({
      namespace: namespace.namespace,
      workflowExecution: { workflowId: workflowIds.task(id) },
    });
    await eventually(
      'Temporal to have forgotten it',
      () =>
        rig.engine
          .handle(id)
          .describe()
          .then(
            () => false,
            () => true,
          ),
      // It deletes in the background, and tries again in its own time.
      FORGET_MS,
    );
    // What the ledger still has of it stays.
    expect((await tasks('ledger', 'rebuild', '--dry-run')).code).toBe(0);
    await all('drop schema tributary cascade');
    expect((await tasks('ledger', 'rebuild')).code).toBe(0);
    expect(await rig.engine.ledger.readTask(id)).toMatchObject({
      state: 'landed',
      title: 'lands',
      owner: 'Ada Tester',
    });
    const again = (await rows())['landings']?.find(({ task_id: task }) => task === id);
    expect(again).toEqual({ ...landing, landed_at: expect.any(Date) });
  });
});
