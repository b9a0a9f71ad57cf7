import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workflowIds, type BranchName, type ProjectName, type TaskId } from '../../src/core/ids.ts';
import { replayBy, WedgedQueues } from '../../src/worker/wedged-queues.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { codecOf, FAILURE_CONVERTER } from '../support/payloads.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

/** The queue's own alarm: without it a history lacks what this version's rules do next. */
const ALARM = /\(0, *[\w$.]+\.sleep\)(?=\(Math\.max\(1, atMs - )/g;

async function withoutAlarm(): Promise<{ readonly code: string }> {
  const { code } = await workflowBundle();
  expect(code.match(ALARM)).toHaveLength(1);
  return { code: code.replace(ALARM, '(() => new Promise(() => {}))') };
}

/** A fault of the workflow's code: its task fails, and is tried again. */
async function thatFails(): Promise<{ readonly code: string }> {
  const { code } = await workflowBundle();
  const shown = /\(0, *[\w$.]+\.queueDetailsOf\)(?=\(view\))/g;
  expect(code.match(shown)).toHaveLength(1);
  return { code: code.replace(shown, '(() => { throw new Error("broken"); })') };
}

describe('a queue that no worker goes on with', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ limits: { wedgedEveryMs: 500 }, replayed: `ExecutionStatus != 'Terminated'` });
  });

  // Replays the histories of what has gone on, too.
  afterAll(async () => {
    await engine.stop();
  });

  it('is set back to where its history follows from its rules, and lands what comes, once', async () => {
    await engine.drainWorker();
    const wrong = await engine.startWorker(engine.home, 'wrong', { workflows: await withoutAlarm() });
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('sample', 'wedged'),
      'gate.sh': 'true\n',
      'agent.sh': agentScript({}),
    });
    const submit = (title: string): Promise<TaskId> =>
      engine.submit(project, { title, work: { kind: 'shell', run: `echo x > '${title}'` } });
    expect(await engine.untilEnded(await submit('first'))).toMatchObject({ state: 'landed' });
    wrong.drain();
    await wrong.stopped;

    await engine.startWorker();
    const ids = [await submit('second'), await submit('third')];
    for (const id of ids) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect((await project.subjects()).toSorted()).toEqual(['Begin', 'first', 'second', 'third']);

    const queue = workflowIds.integration('wedged' as ProjectName, 'main' as BranchName);
    const statuses: string[] = [];
    for await (const { status } of engine.client.workflow.list({ query: `WorkflowId = '${queue}'` })) {
      statuses.push(status.name);
    }
    expect(statuses.toSorted()).toEqual(['RUNNING', 'TERMINATED']);
  });

  it('stays as it is while it is only tried in vain, and its history is sound', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('sample', 'sound'),
      'gate.sh': 'true\n',
      'agent.sh': agentScript({}),
    });
    const submit = (title: string): Promise<TaskId> =>
      engine.submit(project, { title, work: { kind: 'shell', run: `echo x > '${title}'` } });
    expect(await engine.untilEnded(await submit('first'))).toMatchObject({ state: 'landed' });
    const id = workflowIds.integration('sound' as ProjectName, 'main' as BranchName);
    const before = await engine.client.workflow.getHandle(id).describe();
    await engine.drainWorker();
    const broken = await engine.startWorker(engine.home, 'broken', { workflows: await thatFails() });
    const next = await submit('next');

    const seen: (string | null)[] = [];
    const payloads = { codec: await codecOf(''), failureConverter: FAILURE_CONVERTER };
    const present = replayBy(payloads, await workflowBundle());
    const looking = new WedgedQueues({
      client: engine.client,
      replay: async (history, workflowId) => {
        const reason = await present(history, workflowId);
        if (workflowId === id) seen.push(reason);
        return reason;
      },
      everyMs: 100,
      log: () => undefined,
    });
    looking.start();
    await eventually('it to be looked at twice', () => seen.length >= 2);
    await looking.stop();
    expect(new Set(seen)).toEqual(new Set([null]));
    expect(await engine.client.workflow.getHandle(id).describe()).toMatchObject({
      runId: before.runId,
      status: { name: 'RUNNING' },
    });

    broken.drain();
    await broken.stopped;
    await engine.startWorker();
    expect(await engine.untilEnded(next)).toMatchObject({ state: 'landed' });
  });
});
