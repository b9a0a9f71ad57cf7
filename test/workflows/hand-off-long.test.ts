/** A task's hand-off that fails for hours: the activities are driven by the test; workflow, worker and server are real. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { HandOffRequest } from '../../src/activities/types.ts';
import { taskIdFromBytes, workflowIds } from '../../src/core/ids.ts';
import type { RecordRequest } from '../../src/core/task-request.ts';
import { landingReplySignal, TASK_QUEUES, WORKFLOW_TYPES, type TaskInput } from '../../src/workflows/messages.ts';
import type { RunningTemporal } from '../../src/local/temporal-server.ts';
import { LANDING, SPEC, taskIn } from '../core/rig.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { impatientServer } from '../support/impatient-server.ts';

const ATTEMPT = 3;

describe('a task whose hand-offs fail again and again', () => {
  const shared = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
  let server: RunningTemporal;
  let worker: DrivenWorker;
  let handOffs = 0;

  beforeAll(async () => {
    server = await impatientServer();
    process.env['TEST_TEMPORAL_ADDRESS'] = server.address;
    worker = await drivenWorker({
      record: async ({ view }: RecordRequest) => ({ recordedUpTo: view.sequence }),
      handOff: async (_request: HandOffRequest) => {
        handOffs += 1;
        throw ApplicationFailure.nonRetryable('the server is away');
      },
    });
  });

  afterAll(async () => {
    await worker.stop();
    process.env['TEST_TEMPORAL_ADDRESS'] = shared;
    await server.stop();
  });

  it('begins a new run before its history is too long, goes on with them there, and lands', async () => {
    const spec = { ...SPEC, id: taskIdFromBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 1, 1)) };
    const input: TaskInput = { spec, carried: { task: taskIn('landing'), handled: [] } };
    const workflowId = workflowIds.task(spec.id);
    const first = await worker.client.workflow.start(WORKFLOW_TYPES.task, {
      workflowId,
      taskQueue: TASK_QUEUES.tasks,
      args: [input],
    });
    const task = worker.client.workflow.getHandle(workflowId);
    await eventually('a new run', async () => (await task.describe()).runId !== first.firstExecutionRunId);
    const before = handOffs;
    await eventually('a hand-off of the new run', () => handOffs > before);
    await task.signal(landingReplySignal, { kind: 'landed', handoff: ATTEMPT, landing: LANDING });
    expect(await task.result()).toMatchObject({ state: 'landed' });
  });
});
