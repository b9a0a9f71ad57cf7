/**
 * Asks again for a cancel that was lost as its workflow was set back: signals and updates come again by themselves, a cancel does not.
 *
 * Who has set it back may have died before it asked, so that whoever sees the run that was left looks, too; what they ask may be asked
 * twice. Kept true: a task that a person has set back, or that was begun anew since, is not canceled by it.
 */

import type { Client } from '@temporalio/client';
import type { HistoryEvent } from './replay.ts';

/** The reason that a worker gives for setting a workflow back; Temporal keeps it with the run that was left. */
export const SET_BACK = 'what it did last did not follow from its history';

/** @param runId the run that was left */
export async function askAgain(client: Client, workflowId: string, runId: string): Promise<void> {
  if (!(await wasSetBack(client, workflowId, runId))) return;
  const left = await eventsOf(client, workflowId, runId);
  const chain = chainOf(left);
  if (chain === null || !left.some(isCancel)) return;
  const now = await eventsOf(client, workflowId);
  if (chainOf(now) !== chain || now.some(isCancel)) return;
  await client.workflow.getHandle(workflowId, undefined, { firstExecutionRunId: chain }).cancel();
}

/** By its last event alone: most runs that were ended from outside were not. */
async function wasSetBack(client: Client, workflowId: string, runId: string): Promise<boolean> {
  const { history } = await client.workflowService.getWorkflowExecutionHistoryReverse({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    maximumPageSize: 1,
  });
  return history?.events?.[0]?.workflowExecutionTerminatedEventAttributes?.reason === SET_BACK;
}

async function eventsOf(client: Client, workflowId: string, runId?: string): Promise<readonly HistoryEvent[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return events ?? [];
}

/** A run that was set back is of the chain that it was of before. */
function chainOf([begun]: readonly HistoryEvent[]): string | null {
  return begun?.workflowExecutionStartedEventAttributes?.firstExecutionRunId ?? null;
}

function isCancel(event: HistoryEvent): boolean {
  return (event.workflowExecutionCancelRequestedEventAttributes ?? null) !== null;
}
