/** Workflows of tasks without a worker: begun, and closed by answering their first task. */

import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, toPayloads } from '@temporalio/common';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { TestNamespace } from './temporal.ts';

type Completion = Parameters<TestNamespace['connection']['workflowService']['respondWorkflowTaskCompleted']>[0];

/** COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION: the package that has its name is none of ours. */
const COMPLETE = JSON.parse('{ "commandType": 4 }') as NonNullable<Completion['commands']>[number];
const POLL_MS = 10_000;

export async function openWorkflow(client: Client, id: TaskId): Promise<void> {
  await client.workflow.start('task', { workflowId: workflowIds.task(id), taskQueue: `queue-${id}`, args: [] });
}

/** Completes it with a result. */
export async function closeWorkflow(namespace: TestNamespace, id: TaskId, view: unknown): Promise<void> {
  const result = { payloads: toPayloads(defaultPayloadConverter, view) ?? [] };
  await answerTask(namespace, id, [{ ...COMPLETE, completeWorkflowExecutionCommandAttributes: { result } }]);
}

/** Answers its next task; with no command it goes on waiting. */
export async function answerTask(
  { connection, namespace }: TestNamespace,
  id: TaskId,
  commands: NonNullable<Completion['commands']> = [],
): Promise<void> {
  const { workflowService } = connection;
  const { taskToken } = await connection.withDeadline(Date.now() + POLL_MS, () =>
    workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: `queue-${id}` } }),
  );
  await workflowService.respondWorkflowTaskCompleted({ namespace, taskToken, commands });
}
