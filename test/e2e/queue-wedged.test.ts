import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workflowIds, type BranchName, type ProjectName, type TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
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

describe('a queue whose history does not follow from its rules', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ limits: { wedgedEveryMs: 500 }, replayed: `ExecutionStatus != 'Terminated'` });
  });

  // Replays the histories of what has gone on, too.
  afterAll(async () => {
    await engine.stop();
  });

  it('is set back to where it does, and lands what comes, once', async () => {
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
});
