import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workflowIds, type BranchName, type ProjectName, type TaskId } from '../../src/core/ids.ts';
import { replayBy } from '../../src/worker/replay.ts';
import { WedgedWorkflows } from '../../src/worker/wedged-workflows.ts';
import { eventually } from '../support/eventually.ts';
import { codecOf, FAILURE_CONVERTER } from '../support/payloads.ts';
import { PeopleRig, unlessTold } from '../support/people-rig.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';
import { failingQueues, wedgingGates, wedgingQueues, wedgingTasks } from '../support/wedges.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

const ASKS = { execute: `echo x > work; ${unlessTold('answered:**', { status: 'question', question: 'Sure?' })}` };

const queueOf = (name: string): string => workflowIds.integration(name as ProjectName, 'main' as BranchName);
const plain = (name: string): Promise<SampleProject> =>
  SampleProject.create({
    'tasks.yaml': projectFile().replace('sample', name),
    'gate.sh': 'true\n',
    'agent.sh': agentScript({}),
  });

describe('a workflow that no worker goes on with', () => {
  let rig: PeopleRig;

  beforeAll(async () => {
    rig = await PeopleRig.start({ limits: { wedgedEveryMs: 500 }, replayed: `ExecutionStatus != 'Terminated'` });
  });

  // Replays the histories of what has gone on, too.
  afterAll(async () => {
    await rig.stop();
  });

  /** A worker of this code alone, which has seen nothing of what is under way. */
  const workerOf = async (workflows: { readonly code: string }): Promise<void> => {
    await rig.engine.drainWorker();
    await rig.engine.startWorker(rig.engine.home, 'host', { workflows });
  };
  const statusesOf = async (workflowId: string): Promise<readonly string[]> => {
    const statuses: string[] = [];
    for await (const { status } of rig.engine.client.workflow.list({ query: `WorkflowId = '${workflowId}'` }))
      statuses.push(status.name);
    return statuses.toSorted();
  };
  /** Asks the server alone: a query of one that cannot go on is in the way of its next try. */
  const setBack = async (workflowId: string): Promise<void> => {
    await eventually(`${workflowId} to be set back`, async () => (await statusesOf(workflowId)).length > 1);
  };
  const submit = (project: SampleProject, title: string): Promise<TaskId> =>
    rig.engine.submit(project, { title, work: { kind: 'shell', run: `echo x > '${title}'` } });

  /** A task that waits for an answer, begun by code that wedges there. */
  const asking = async () => {
    const code = await wedgingTasks('asking');
    await workerOf(code);
    const { project } = await rig.project(ASKS);
    const id = await rig.engine.submit(project, { title: 'Work' });
    await rig.asked(id, 1);
    return { code, project, id };
  };

  it('is set back when it is a queue, and lands what comes, once', async () => {
    const code = await wedgingQueues();
    await workerOf(code);
    const project = await plain('wedged');
    expect(await rig.engine.untilEnded(await submit(project, 'first'))).toMatchObject({ state: 'landed' });
    await workerOf(code);
    const ids = [await submit(project, 'second'), await submit(project, 'third')];
    for (const id of ids) expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect((await project.subjects()).toSorted()).toEqual(['Begin', 'first', 'second', 'third']);
    expect(await statusesOf(queueOf('wedged'))).toEqual(['RUNNING', 'TERMINATED']);
  });

  it('is set back when it is a task that was answered, which begins nothing again and lands once', async () => {
    const { code, project, id } = await asking();
    await workerOf(code);
    // A worker that cannot go on with it tells nobody of the answer.
    await rig.engine.handle(id).signal('answer', { messageId: 'one', text: 'yes', actor: 'Ada', version: 1 });
    await setBack(workflowIds.task(id));
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 4 });
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute', 'execute']);
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
    await rig.happened(id, 'landed', 1);
    const sequences = (await rig.engine.ledger.readEvents(id)).map(({ sequence }) => sequence);
    expect(sequences).toEqual(sequences.map((_, index) => index + 1));
  });

  it('is set back when it is a task that was canceled, which ends as canceled', async () => {
    const { code, project, id } = await asking();
    await workerOf(code);
    await rig.engine.cancel(id);
    await setBack(workflowIds.task(id));
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'canceled' });
    expect(await rig.phases(id)).toEqual(['understand', 'plan', 'execute']);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('is set back when it is a task whose agent works, which goes on above the attempts that it had', async () => {
    const code = await wedgingTasks('phase');
    await workerOf(code);
    const { project } = await rig.project({ execute: 'echo x > work; until_open worked' });
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the agent', async () => (await rig.phases(id)).includes('execute'));
    await workerOf(code);
    await rig.open('worked');
    await setBack(workflowIds.task(id));
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
    expect(await rig.engine.processesOf(id)).toEqual([]);
  });

  it('is set back when it is a task that is landing, which lands once', async () => {
    const code = await wedgingTasks('landing');
    await workerOf(code);
    const { name, project } = await rig.project({ execute: 'echo x > work' }, '', 'until_open landing');
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the gate', async () => (await rig.engine.queue(name)).rows[0]?.state === 'gating');
    await workerOf(code);
    await rig.open('landing');
    await setBack(workflowIds.task(id));
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 3 });
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
    expect(await rig.engine.queue(name)).toMatchObject({ landed: 1, rows: [] });
  });

  it('is set back when it is a gate run, whose task lands', async () => {
    const code = await wedgingGates();
    await workerOf(code);
    const { name, project } = await rig.project({ execute: 'echo x > work' }, '', 'until_open gated');
    const id = await rig.engine.submit(project, { title: 'Work' });
    await eventually('the gate', async () => (await rig.engine.queue(name)).rows[0]?.state === 'gating');
    await workerOf(code);
    await rig.open('gated');
    expect(await rig.engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 3 });
    expect(await project.subjects()).toEqual(['Work', 'Begin']);
  });

  it('is left for a while to the build that has written what does not follow', async () => {
    const { id } = await asking();
    await workerOf(await workflowBundle());
    await rig.engine.handle(id).signal('answer', { messageId: 'one', text: 'yes', actor: 'Ada', version: 1 });
    const { runId } = await rig.engine.handle(id).describe();
    await eventually('it to be left', () =>
      rig.engine.log.some((line) => line.includes('is waited for') && line.includes(id)),
    );
    expect(await rig.engine.handle(id).describe()).toMatchObject({ runId, status: { name: 'RUNNING' } });
    await rig.engine.handle(id).terminate();
  });

  it('stays as it is while it is only tried in vain, and its history is sound', async () => {
    await workerOf(await workflowBundle());
    const project = await plain('sound');
    expect(await rig.engine.untilEnded(await submit(project, 'first'))).toMatchObject({ state: 'landed' });
    const id = queueOf('sound');
    const before = await rig.engine.client.workflow.getHandle(id).describe();
    await workerOf(await failingQueues());
    const next = await submit(project, 'next');

    const seen: (string | null)[] = [];
    const payloads = { codec: await codecOf(''), failureConverter: FAILURE_CONVERTER };
    const present = replayBy(payloads, await workflowBundle());
    const looking = new WedgedWorkflows({
      client: rig.engine.client,
      replay: async (history, workflowId) => {
        const reason = await present(history, workflowId);
        seen.push(reason);
        return reason;
      },
      everyMs: 100,
      log: () => undefined,
    });
    looking.start();
    await eventually('it to be looked at twice', () => {
      looking.heard(before.runId, 'any');
      return seen.length >= 2;
    });
    await looking.stop();
    expect(new Set(seen)).toEqual(new Set([null]));
    expect(await rig.engine.client.workflow.getHandle(id).describe()).toMatchObject({
      runId: before.runId,
      status: { name: 'RUNNING' },
    });

    await workerOf(await workflowBundle());
    expect(await rig.engine.untilEnded(next)).toMatchObject({ state: 'landed' });
  });
});
