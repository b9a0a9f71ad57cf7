/**
 * Whether a task's workflow is still open: one that an operator terminated cannot ask its hand-off back, and what nobody
 * waits for any more must not land. Nor must what it handed off before it was begun anew: another attempt is to land.
 */

import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { workflowIds, type TaskId } from '../core/ids.ts';
import { messageOf } from '../core/thrown.ts';

export type Openness =
  | { readonly kind: 'open' }
  | { readonly kind: 'closed' }
  /** It was ended from outside, and begun anew since. */
  | { readonly kind: 'anew' }
  /** Temporal did not say: neither may the task land now, nor may its landing be lost. */
  | { readonly kind: 'unknown'; readonly text: string };

const LOOK_MS = 5_000;

/** @param firstRun the first run that it is to have; left out: whichever it has */
export async function taskIsOpen(client: Client, taskId: TaskId, firstRun?: string): Promise<Openness> {
  try {
    const handle = client.workflow.getHandle(workflowIds.task(taskId));
    const { status, raw } = await client.withDeadline(Date.now() + LOOK_MS, () => handle.describe());
    // Continued as new: the next run is just about to be there.
    if (status.name !== 'RUNNING' && status.name !== 'CONTINUED_AS_NEW') return { kind: 'closed' };
    // An older server does not say.
    const { firstRunId = null } = raw.workflowExecutionInfo ?? {};
    const isKnown = firstRun !== undefined && firstRunId !== null && firstRunId !== '';
    return { kind: isKnown && firstRunId !== firstRun ? 'anew' : 'open' };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'closed' };
    return { kind: 'unknown', text: `Temporal does not say whether task ${taskId} is open: ${messageOf(error)}` };
  }
}

export async function closedTasks(client: Client, ids: readonly TaskId[]): Promise<readonly TaskId[]> {
  const looked = await Promise.all(ids.map(async (id) => ({ id, openness: await taskIsOpen(client, id) })));
  return looked.flatMap(({ id, openness }) => (openness.kind === 'closed' ? [id] : []));
}
