import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { answering, workflowBundle } from '../support/workflow-bundle.ts';

const RULE = 'phase-policy';

/** A worker of version 0.2.0 stands beside one of this version (N11). */
describe('a task that an older worker had tried again', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
    await engine.drainWorker();
  });

  // Replays all of their histories on the present code, too.
  afterAll(async () => {
    await engine.stop();
  });

  const submit = async (name: string, agent: Parameters<typeof agentScript>[0], more: string): Promise<TaskId> => {
    const project = await SampleProject.create({
      'tasks.yaml': `${projectFile().replace('sample', name)}${more}\n`,
      'gate.sh': GATE,
      'agent.sh': agentScript(agent),
    });
    return engine.submit(project, { title: 'Work' });
  };
  const replay = async (id: TaskId, bundle: { readonly code: string }): Promise<void> => {
    const workflowId = workflowIds.task(id);
    const history = await engine.client.workflow.getHandle(workflowId).fetchHistory();
    await Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId);
  };
  /** How often its history was asked, and answered that this version wrote it. */
  const markers = async (id: TaskId): Promise<number> => {
    const { events } = await engine.client.workflow.getHandle(workflowIds.task(id)).fetchHistory();
    return (events ?? []).filter((event) => event.markerRecordedEventAttributes?.markerName === 'core_patch').length;
  };
  const HANG = 'exec sleep 1000000';
  const FAILS = `printf '%s' '{"status":"failed","reason":"No."}' > "$TASKS_REPORT_FILE"`;
  const BACKOFF = 'backoff: {first: 1s, cap: 1s}';

  it.each([
    ['stalled', { understand: HANG }, 'attempts: 3\nphases: {understand: {idle: 1s}}'],
    ['failed', { understand: FAILS }, `attempts: 3\n${BACKOFF}\nphases: {understand: {attempts: 1}}`],
  ])('after it had %s replays, and would not by the present rules alone', async (name, agent, more) => {
    const older = await engine.startWorker(engine.home, `older-${name}`, { workflows: await answering(RULE, false) });
    const id = await submit(name, agent, more);
    expect(await engine.untilWaiting(id, 'attempts')).toMatchObject({ attempt: 3 });
    await replay(id, await workflowBundle());
    await expect(replay(id, await answering(RULE, true))).rejects.toThrow(DeterminismViolationError);
    expect(await markers(id)).toBe(0);
    older.drain();
    await older.stopped;
  });

  it('is judged by the present rules from where a worker of this version takes it up', async () => {
    const older = await engine.startWorker(engine.home, 'older', { workflows: await answering(RULE, false) });
    const id = await submit('mixed', { understand: FAILS }, 'attempts: 2\nphases: {understand: {attempts: 1}}');
    expect(await engine.untilWaiting(id, 'attempts')).toMatchObject({ attempt: 2 });
    older.drain();
    await older.stopped;
    await engine.startWorker();
    await engine.retry(id);
    expect(
      await engine.until(id, 'parked again', ({ attempt, waitingFor }) => attempt === 3 && waitingFor !== null),
    ).toMatchObject({ waitingFor: { kind: 'attempts' } });
    await replay(id, await workflowBundle());
    expect(await markers(id)).toBe(1);
  });

  it('writes nothing into a history where nothing of it applies', async () => {
    const id = await submit('plain', { understand: `[ "$TASKS_ATTEMPT" != 1 ] || { ${FAILS}; }` }, 'attempts: 2');
    expect(await engine.untilEnded(id)).toMatchObject({ attempt: 4 });
    expect(await markers(id)).toBe(0);
  });
});
