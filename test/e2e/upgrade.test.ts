import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';

describe('a worker of this version', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('ends the queue of an older version, and its tasks land in one of its own', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('sample', 'older'),
      'gate.sh': GATE,
    });
    await engine.drainWorker();
    const workflowId = 'integration/older/main';
    const old = await engine.client.workflow.start('integration', { workflowId, taskQueue: 'tasks', args: [{}] });
    await engine.startWorker();
    const id = await engine.submit(project, { title: 'Work', work: { kind: 'shell', run: 'echo x > work' } });
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const ended = await engine.client.workflow.getHandle(workflowId, old.firstExecutionRunId).describe();
    expect(ended.status.name).toBe('TERMINATED');
    expect((await engine.queue('older')).landed).toBe(1);
  });
});
