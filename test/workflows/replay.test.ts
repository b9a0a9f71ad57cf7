import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

/** The engine replays every history of its own when it stops; this shows that such a replay can fail. */
describe('the history of a task that landed', () => {
  let engine: Engine;
  let id: TaskId;

  beforeAll(async () => {
    engine = await Engine.start();
    const project = await SampleProject.create({
      'tasks.yaml': projectFile().replace('sample', 'replayed'),
      'gate.sh': GATE,
      'agent.sh': agentScript({ execute: 'echo x > work' }),
    });
    id = await engine.submit(project, { title: 'Work' });
    await engine.untilEnded(id);
  });

  afterAll(async () => {
    await engine.stop();
  });

  type History = Awaited<ReturnType<ReturnType<Engine['client']['workflow']['getHandle']>['fetchHistory']>>;
  type Events = NonNullable<History['events']>;

  const history = async (workflowId: string, change: (events: Events) => Events): Promise<History> => {
    const fetched = await engine.client.workflow.getHandle(workflowId).fetchHistory();
    return { ...fetched, events: change(fetched.events ?? []) };
  };
  const replay = async (workflowId: string, change: (events: Events) => Events = (events) => events): Promise<void> => {
    const { code } = await workflowBundle();
    await Worker.runReplayHistory({ workflowBundle: { code } }, await history(workflowId, change), workflowId);
  };
  /** The history with another name on the first activity of a type. */
  const renamed =
    (type: string) =>
    (events: Events): Events => {
      const scheduled = events.find(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === type,
      )?.activityTaskScheduledEventAttributes;
      if (!scheduled) throw new Error(`no activity ${type} in the history`);
      scheduled.activityType = { name: `${type}Renamed` };
      return events;
    };

  /** The only gate run that there was. */
  const gateOf = async (): Promise<string> => {
    for await (const { workflowId } of engine.client.workflow.list({ query: "WorkflowType = 'gate'" }))
      return workflowId;
    throw new Error('there is no gate run');
  };

  it('replays on the present code', async () => {
    await replay(workflowIds.task(id));
    await replay('integration/replayed/main');
    await replay(await gateOf());
  });

  it.each([
    ['task', 'runPhase'],
    ['gate', 'runGate'],
  ])('does not replay when the code of the %s calls another activity than %s', async (workflow, activity) => {
    const workflowId = workflow === 'task' ? workflowIds.task(id) : await gateOf();
    await expect(replay(workflowId, renamed(activity))).rejects.toThrow(DeterminismViolationError);
  });
});
