/** What operators do in the Temporal Web UI: cancel, terminate and reset. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { carryQuery, TASK_QUEUES, WORKFLOW_TYPES, type TaskInput } from '../../src/workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';
import type { SampleProject } from '../support/sample-project.ts';

const ASKS = { status: 'question', question: 'Sure?' };

describe('an operator', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start({ limits: { outsideEveryMs: 100 } });
  });

  afterAll(async () => {
    await rig.stop();
  });

  const asking = async (): Promise<{ id: TaskId; name: string; project: SampleProject }> => {
    const execute = `echo x > work; ${unlessTold('answered:**', ASKS)}`;
    const { name, project } = await rig.project({ plan: 'echo p > "$TASKS_TASK_DIR/plan.md"', execute });
    const id = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(id, 1);
    return { id, name, project };
  };
  const workspaceOf = (id: TaskId, name: string): string => join(rig.engine.home, 'workspaces', name, id);
  const swept = (id: TaskId, name: string, project: SampleProject): Promise<unknown> =>
    eventually(`nothing of ${id} to be left`, async () => {
      const refs = (await project.taskRefs()).filter((ref) => ref.includes(id));
      return refs.length === 0 && !existsSync(workspaceOf(id, name));
    });
  const retry = async (id: TaskId): Promise<void> => {
    const input: TaskInput = await rig.engine.handle(id).query(carryQuery);
    await rig.engine.client.workflow.start(WORKFLOW_TYPES.task, {
      workflowId: workflowIds.task(id),
      taskQueue: TASK_QUEUES.tasks,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      args: [{ ...input, retriedBy: 'Ada' }],
    });
  };

  it('who cancels a task that waits for an approval ends it, and what it proposed does not land', async () => {
    const { project } = await rig.project({ execute: 'echo x > work' }, 'approve: [patch]');
    const id = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(id, 1);
    await rig.engine.handle(id).cancel();
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'canceled', waitingFor: null });
    await expect(rig.engine.reply(id, 'approve', { version: 1 })).rejects.toThrow();
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('who terminates a task that waits has it in no inbox, and the task that waited for its answer goes on', async () => {
    const { project } = await rig.project({ execute: 'until_open asked; echo x > work' });
    const blocked = await rig.engine.submit(project, { title: 'Work' });
    const spec = { type: 'question', blocks: blocked } as const;
    const question = await rig.engine.submit(project, { title: 'Which?', spec });
    await rig.asked(question, 1);
    await rig.open('asked');
    await rig.engine.untilWaiting(blocked, 'blocked');
    await rig.engine.handle(question).terminate();
    await eventually('the ledger to know of the end', async () => {
      const view = await rig.engine.ledger.readTask(question);
      return view?.state === 'failed' && view.waitingFor === null;
    });
    const waiting = await rig.engine.ledger.readInbox(null, 100);
    expect(waiting.map(({ id }) => id)).not.toContain(question);
    expect(await rig.engine.untilEnded(blocked)).toMatchObject({ state: 'landed' });
  });

  it('who terminates tasks in line and at the gate has none of them land, and the next one does', async () => {
    const { name, project } = await rig.project({ execute: 'echo x > "$TASKS_TASK_ID"' }, '', 'until_open terminated');
    const ids: TaskId[] = [];
    for (const title of ['At the gate', 'In line', 'Wanted']) {
      ids.push(await rig.engine.submit(project, { title }));
      await eventually('it to be in line', async () => (await rig.engine.queue(name)).rows.length === ids.length);
    }
    const [gated, queued, wanted] = ids;
    if (gated === undefined || queued === undefined || wanted === undefined) throw new Error('three were submitted');
    await eventually('the gate', async () => (await rig.engine.queue(name)).rows[0]?.state === 'gating');
    for (const id of [gated, queued]) await rig.engine.handle(id).terminate('not wanted');
    await rig.open('terminated');
    expect(await rig.engine.untilEnded(wanted)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['Wanted', 'Begin']);
    expect(await rig.engine.queue(name)).toMatchObject({ landed: 1, rows: [] });
    for (const id of [gated, queued]) await swept(id, name, project);
  });

  it('who terminates a task at the gate and has it begin anew has that land alone, whatever was at the gate', async () => {
    const execute = 'echo "$TASKS_ATTEMPT" > work; until_open "attempt-$TASKS_ATTEMPT"';
    const { name, project } = await rig.project({ execute }, '', 'until_open gate');
    await rig.open('attempt-3');
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the gate', async () => (await rig.engine.queue(name)).rows[0]?.state === 'gating');
    await rig.engine.handle(id).terminate('not like this');
    await retry(id);
    await eventually('its next attempt', async () => (await rig.prompts(id)).length === 6);
    await rig.open('gate');
    await eventually('what was at the gate to be gone', async () => (await rig.engine.queue(name)).rows.length === 0);
    expect(await project.subjects()).toEqual(['Begin']);
    await rig.open('attempt-6');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 6 });
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
    expect(await project.read('work')).toBe('6');
  });

  it('who terminates a task in the middle of a phase leaves no process and no workspace', async () => {
    const { name, project } = await rig.project({ execute: 'until_open never' });
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the agent', async () => (await rig.phases(id)).includes('execute'));
    await rig.engine.handle(id).terminate('not wanted');
    await eventually('its processes to end', async () => (await rig.engine.processesOf(id)).length === 0);
    await swept(id, name, project);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('who terminates a task that asks has it swept by the next look, and may have it begin anew', async () => {
    const { id, name, project } = await asking();
    await rig.engine.handle(id).terminate('by mistake');
    await expect(rig.engine.reply(id, 'answer', { text: 'yes' })).rejects.toThrow();
    expect(await project.taskRefs()).not.toEqual([]);
    await rig.engine.drainWorker();
    await rig.engine.startWorker();
    await swept(id, name, project);

    await retry(id);
    expect(await rig.asked(id, 2)).toMatchObject([{ text: 'Sure?' }]);
    await rig.engine.reply(id, 'answer', { text: 'yes' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 7 });
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute', 'understand', 'plan', 'execute', 'execute']);
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });

  /** Sets a task's workflow back to where its attempt of a number had just been judged. */
  const setBack = async (id: TaskId, attempt: number): Promise<void> => {
    const { namespace } = rig.engine.namespace;
    const { runId } = await rig.engine.handle(id).describe();
    const { events } = await rig.engine.handle(id).fetchHistory();
    const ended = (events ?? []).filter((event) => event.activityTaskCompletedEventAttributes)[attempt - 1]?.eventId;
    const finish = (events ?? []).find(
      (event) => event.workflowTaskCompletedEventAttributes && Number(event.eventId) > Number(ended),
    );
    if (!finish?.eventId) throw new Error(`attempt ${attempt} has not been judged`);
    await rig.engine.client.workflowService.resetWorkflowExecution({
      namespace,
      workflowExecution: { workflowId: workflowIds.task(id), runId },
      reason: 'to try again',
      requestId: randomUUID(),
      workflowTaskFinishEventId: finish.eventId,
    });
  };

  it('who resets a task has it go on above the attempts that it had, and it lands once', async () => {
    const { id, project } = await asking();
    await rig.happened(id, 'asked', 1);
    await setBack(id, 1);
    // Planned and executed anew: it asks again, in attempts that were not there before.
    const view = await rig.engine.until(
      id,
      'asking again',
      ({ attempt, waitingFor }) => attempt > 3 && waitingFor !== null,
    );
    expect(view).toMatchObject({ state: 'waiting', attempt: 5, waitingFor: { kind: 'question' } });
    // What was asked before the reset is not what is asked now.
    expect(view.waitingFor?.version).toBeGreaterThan(1);
    await expect(rig.engine.reply(id, 'answer', { text: 'yes', version: 1 })).rejects.toThrow();
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute', 'plan', 'execute']);
    expect(
      await eventually('the record', async () => {
        const known = await rig.engine.ledger.readTask(id);
        return known?.attempt === 5 ? known : null;
      }),
    ).toMatchObject({ state: 'waiting' });
    await rig.engine.reply(id, 'answer', { text: 'yes' });
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 6 });
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
    await eventually('the record', async () => (await rig.engine.ledger.readTask(id))?.state === 'landed');
    const sequences = (await rig.engine.ledger.readEvents(id)).map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
    expect((await rig.happened(id, 'landed', 1))[0]?.landing.attempt).toBe(6);
  });

  it('who resets a task at the gate has it land by what it had handed off, once', async () => {
    const { name, project } = await rig.project({ execute: 'echo x > work' }, '', 'until_open set-back');
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the gate', async () => (await rig.engine.queue(name)).rows[0]?.state === 'gating');
    await setBack(id, 3);
    await rig.engine.until(id, 'handed off again', ({ state }) => state === 'landing');
    await rig.open('set-back');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 3 });
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute']);
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
    expect(await rig.engine.queue(name)).toMatchObject({ landed: 1, rows: [] });
  });

  it('who resets a task that was canceled at the gate to before that has it end, since it is withdrawn', async () => {
    const { name, project } = await rig.project({ execute: 'echo x > work' }, '', 'until_open withdrawn');
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the gate', async () => (await rig.engine.queue(name)).rows[0]?.state === 'gating');
    await rig.engine.cancel(id);
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
    await setBack(id, 3);
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'canceled', attempt: 3 });
    expect(await project.subjects()).toEqual(['Begin']);
    await rig.open('withdrawn');
    await rig.engine.retryEnded(id);
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 4 });
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });

  it('who resets a task while its agent works has that one ended before the next one begins', async () => {
    const alive = `'${rig.engine.home}'/alive`;
    const { project } = await rig.project({
      execute: [
        // One that still works would go on writing.
        `if [ -e ${alive} ]; then one=$(cat ${alive}); sleep 0.3; [ "$one" = "$(cat ${alive})" ] || touch '${rig.engine.home}'/open-overlap; fi`,
        `while [ ! -e '${rig.engine.home}'/open-reset ]; do echo $$ >> ${alive}; sleep 0.01; done; echo x > work`,
      ].join('\n'),
    });
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the agent', () => existsSync(join(rig.engine.home, 'alive')));
    await setBack(id, 1);
    await eventually('the next agent', async () => (await rig.phases(id)).length === 5);
    await rig.open('reset');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute', 'plan', 'execute']);
    expect(rig.exists('open-overlap')).toBe(false);
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });

  it('who resets a task that has landed does not have it land again', async () => {
    const { project } = await rig.project({ execute: 'date +%N > work' });
    const id = await rig.engine.submit(project, { title: 'Work' });
    const { commit } = await rig.engine.untilEnded(id);
    await eventually('its refs to be gone', async () => (await project.taskRefs()).length === 0);
    await setBack(id, 1);
    const view = await rig.engine.untilEnded(id);
    expect(view).toMatchObject({ state: 'failed', failure: { kind: 'landing-refused' } });
    expect(view.failure?.message).toContain(String(commit));
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });
});
