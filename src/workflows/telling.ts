/** How a queue tells tasks what becomes of them: by a signal each, which is confirmed before it counts as told. */

import { getExternalWorkflowHandle, isCancellation } from '@temporalio/workflow';
import { workflowIds, type TaskId } from '../core/ids.ts';
import type { AddressedReply, Queue } from '../core/queue.ts';
import type { LandingReply } from '../core/queue-types.ts';
import { landingReplySignal } from './messages.ts';

/** The server takes two thousand signals of a workflow that are not confirmed. */
const MAX_TOGETHER = 200;

/**
 * Tells the next tasks, each in the order of what is said to it.
 *
 * @param onTold called whenever one is confirmed
 * @returns how many replies that were, from the first on
 */
export async function tellTasks({ replies, toldOnce }: Queue, onTold: () => void): Promise<number> {
  // A signal takes a workflow task until it is confirmed: one after another they would hold up all that land.
  const next = toldOnce === true ? replies.slice(0, MAX_TOGETHER) : replies;
  const groups = toldOnce === true ? byTask(next) : [next];
  await Promise.all(groups.map((group) => tellInTurn(group, onTold)));
  return next.length;
}

function byTask(replies: readonly AddressedReply[]): readonly (readonly AddressedReply[])[] {
  const own = new Map<TaskId, AddressedReply[]>();
  for (const reply of replies) own.set(reply.taskId, [...(own.get(reply.taskId) ?? []), reply]);
  return [...own.values()];
}

async function tellInTurn(replies: readonly AddressedReply[], onTold: () => void): Promise<void> {
  for (const { taskId, reply } of replies) await tellTask(taskId, reply, onTold);
}

export async function tellTask(taskId: TaskId, reply: LandingReply, onTold: () => void): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowIds.task(taskId)).signal(landingReplySignal, reply);
    onTold();
  } catch (error) {
    // A task that is gone (terminated by an operator) cannot be told; what landed stays on main's own record.
    if (isCancellation(error)) throw error;
  }
}
