/** Starts a task's workflow, for the first time or again. */

import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { workflowIds } from '../core/ids.ts';
import { describeTask } from '../core/task-description.ts';
import type { TaskSpec } from '../core/task-types.ts';
import { TASK_QUEUES, WORKFLOW_TYPES, type TaskInput } from '../workflows/messages.ts';

/**
 * @param reuse whether one that has ended may begin again under its id
 * @throws WorkflowExecutionAlreadyStartedError when it runs, or may not begin again
 */
export async function startTask(
  client: Client,
  input: TaskInput,
  reuse: 'ALLOW_DUPLICATE' | 'REJECT_DUPLICATE',
): Promise<void> {
  await client.workflow.start(WORKFLOW_TYPES.task, {
    workflowId: workflowIds.task(input.spec.id),
    taskQueue: TASK_QUEUES.tasks,
    workflowIdConflictPolicy: 'FAIL',
    workflowIdReusePolicy: reuse,
    args: [input],
    ...describeStart(input.spec),
  });
}

/** What the Temporal Web UI shows of the task before a worker has seen it. */
function describeStart(spec: TaskSpec) {
  const { summary, details, attributes } = describeTask(spec);
  return {
    staticSummary: summary,
    staticDetails: details,
    typedSearchAttributes: new TypedSearchAttributes(
      Object.entries(attributes).map(([name, value]) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value })),
    ),
  };
}
