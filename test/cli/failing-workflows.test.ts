/** What people say to a task or a queue whose workflow cannot go on: it waits there, and nobody has to say it again. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { send } from '../../src/cli/commands/queue-control.ts';
import { sendMessage } from '../../src/cli/messages.ts';
import { openTemporal, type Temporal } from '../../src/cli/temporal.ts';
import { workflowIds } from '../../src/core/ids.ts';
import { TASK_QUEUES, WORKFLOW_TYPES } from '../../src/workflows/messages.ts';
import { SPEC } from '../core/rig.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { failingFromTheStart } from '../support/wedges.ts';

const { id, project, branch, origin } = SPEC;

/** The server refuses updates and queries of what has failed more often. */
const SAID_AFTER = 3;

const TARGET = { project, branch, origin };

let worker: DrivenWorker;
let temporal: Temporal;
let task: WorkflowHandle;
let queue: WorkflowHandle;

beforeAll(async () => {
  worker = await drivenWorker({}, failingFromTheStart());
  const address = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
  const { namespace } = worker.client.options;
  temporal = openTemporal({ address, namespace, tls: false, apiKey: null, uiUrl: null, from: 'environment' }, null);
  [task, queue] = await Promise.all([
    failing(WORKFLOW_TYPES.task, workflowIds.task(id), { spec: SPEC, carried: null }),
    failing(WORKFLOW_TYPES.integration, workflowIds.integration(project, branch), { target: TARGET, carried: null }),
  ]);
});

afterAll(async () => {
  await temporal.close();
  for await (const { workflowId } of worker.client.workflow.list()) {
    await worker.client.workflow.getHandle(workflowId).terminate();
  }
  await worker.stop();
});

async function failing(type: string, workflowId: string, input: object): Promise<WorkflowHandle> {
  const handle = await worker.client.workflow.start(type, { workflowId, taskQueue: TASK_QUEUES.tasks, args: [input] });
  const tries = async (): Promise<number> => (await handle.describe()).raw.pendingWorkflowTask?.attempt ?? 0;
  await eventually('it to fail so often that the server says so', async () => (await tries()) > SAID_AFTER, 60_000);
  return handle;
}

/** What comes while it fails stands in its history when it is tried the next time. */
async function untilSignaled(handle: WorkflowHandle, name: string): Promise<void> {
  await eventually(
    `${name} to stand in the history`,
    async () =>
      (await handle.fetchHistory()).events?.some(
        ({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName === name,
      ) === true,
    60_000,
  );
}

describe('a message to a workflow that fails', () => {
  it('waits in its task', async () => {
    const sent = await sendMessage(temporal, id, 'comment', { text: 'Look here', actor: 'Ada' });
    expect(sent).toEqual({ kind: 'queued', why: 'failing' });
    await untilSignaled(task, 'comment');
  });

  it('waits in its queue', async () => {
    expect(await send(temporal, TARGET, { action: 'resume', actor: 'Ada' })).toBe('failing');
    await untilSignaled(queue, 'control');
  });
});
