/** What a new version does with the queues of one that knew another workflow (N11). */

import type { Client } from '@temporalio/client';

/** The type of the queues up to version 0.2, which landed strictly one after another. */
const OLD_TYPE = 'integration';
const REASON = 'ended by a newer version: its tasks hand themselves off again within ten minutes';

/**
 * Ends the queues that this version cannot go on with. Nothing is lost: a task that waits for landing hands itself off
 * again, to a queue of this version, and what has landed is found by its commit (N2).
 *
 * @returns the workflow ids of those that were ended
 */
export async function endOldQueues(client: Client): Promise<readonly string[]> {
  const ended: string[] = [];
  const query = `WorkflowType = '${OLD_TYPE}' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    await client.workflow.getHandle(workflowId, runId).terminate(REASON);
    ended.push(workflowId);
  }
  return ended;
}
