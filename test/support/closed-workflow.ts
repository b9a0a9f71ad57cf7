/** Workflows of tasks without a worker: begun, and closed by answering their first task. */

import type { Client } from '@temporalio/client';
import { defaultPayloadConverter, toPayloads } from '@temporalio/common';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { TestNamespace } from './temporal.ts';

type Completion = Parameters<TestNamespace['connection']['workflowService']['respondWorkflowTaskCompleted']>[0];

type Answer = Parameters<TestNamespace['connection']['workflowService']['respondQueryTaskCompleted']>[0];

/** COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION: the package that has its name is none of ours. */
const COMPLETE = JSON.parse('{ "commandType": 4 }') as NonNullable<Completion['commands']>[number];
/** QUERY_RESULT_TYPE_ANSWERED. */
const ANSWERED = JSON.parse('{ "completedType": 1 }') as Pick<Answer, 'completedType'>;
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
  namespace: TestNamespace,
  id: TaskId,
  commands: NonNullable<Completion['commands']> = [],
): Promise<void> {
  await namespace.connection.workflowService.respondWorkflowTaskCompleted({
    namespace: namespace.namespace,
    taskToken: await nextToken(namespace, id),
    commands,
  });
}

/** Answers what somebody asks it, as a worker does of one that is closed. @param first what is done before it is answered */
export async function answerQuery(
  namespace: TestNamespace,
  id: TaskId,
  answer: unknown,
  first: () => Promise<void> = async () => undefined,
): Promise<void> {
  const taskToken = await nextToken(namespace, id);
  await first();
  await namespace.connection.workflowService.respondQueryTaskCompleted({
    ...ANSWERED,
    namespace: namespace.namespace,
    taskToken,
    queryResult: { payloads: toPayloads(defaultPayloadConverter, answer) ?? [] },
  });
}

async function nextToken({ connection, namespace }: TestNamespace, id: TaskId): Promise<Uint8Array> {
  const { taskToken } = await connection.withDeadline(Date.now() + POLL_MS, () =>
    connection.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: `queue-${id}` } }),
  );
  return taskToken;
}
