/** Whether a task that landing holds for still makes use of its turn. */

import type { Client } from '@temporalio/client';
import { workflowIds, type TaskId } from '../core/ids.ts';
import { usesItsTurn } from '../core/queue-turn.ts';
import type { TaskView } from '../core/task-types.ts';
import { taskIsOpen } from './task-is-open.ts';

// Spelled out, since activities may not import workflows; test/activities compares it with workflows/messages.ts.
export const DETAIL_QUERY = 'detail';
const QUERY_MS = 2_000;

/** False also when nobody can say. */
export async function isTurnOver(client: Client, taskId: TaskId): Promise<boolean> {
  const { kind } = await taskIsOpen(client, taskId);
  // One that was ended from outside would still say what it was at.
  if (kind !== 'open') return kind === 'closed';
  const handle = client.workflow.getHandle(workflowIds.task(taskId));
  const asked = () => handle.query<{ readonly view: TaskView }>(DETAIL_QUERY);
  try {
    const { view } = await client.connection.withDeadline(Date.now() + QUERY_MS, asked);
    return !usesItsTurn(view);
  } catch {
    return false;
  }
}
