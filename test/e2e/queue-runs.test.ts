import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { FACTS_A_RUN } from '../../src/core/queue-carried.ts';
import { RULES } from '../../src/core/queue-state.ts';
import { workflowIds, type BranchName, type ProjectName } from '../../src/core/ids.ts';
import { TASK_QUEUES, WORKFLOW_TYPES, type IntegrationInput } from '../../src/workflows/messages.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';

const TASKS = 4;
const SHORT = 8;

describe('a run of the queue’s workflow', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  // Replays all of their histories on the present code, too.
  afterAll(async () => {
    await engine.stop();
  });

  it('ends after as many facts as it was begun with, and the next one by this version’s number', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('sample', 'short'),
      'gate.sh': 'true\n',
      'agent.sh': agentScript({}),
    });
    const target = { project: 'short' as ProjectName, origin: project.origin, branch: 'main' as BranchName };
    const workflowId = workflowIds.integration(target.project, target.branch);
    const input: IntegrationInput = { target, carried: null, ...RULES, factsARun: SHORT };
    await engine.client.workflow.start(WORKFLOW_TYPES.integration, {
      workflowId,
      taskQueue: TASK_QUEUES.tasks,
      args: [input],
    });
    const first = await engine.client.workflow.getHandle(workflowId).describe();
    for (let number = 1; number <= TASKS; number += 1) {
      const work = { kind: 'shell', run: `echo x > task${number}` } as const;
      const id = await engine.submit(project, { title: `Task ${number}`, work });
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    }

    const ended = engine.client.workflow.getHandle(workflowId, first.runId);
    expect((await ended.describe()).status.name).toBe('CONTINUED_AS_NEW');
    const last = (await ended.fetchHistory()).events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes;
    const [payload] = last?.input?.payloads ?? [];
    const next = JSON.parse(Buffer.from(payload?.data ?? []).toString()) as IntegrationInput;
    expect(next.factsARun).toBe(FACTS_A_RUN);
    // The server would have suggested it long after.
    const present = await engine.client.workflow.getHandle(workflowId).describe();
    expect(present).toMatchObject({ status: { name: 'RUNNING' } });
    expect(present.runId).not.toBe(first.runId);
    expect(await engine.queue('short')).toMatchObject({ landed: TASKS, rows: [] });
  });
});
