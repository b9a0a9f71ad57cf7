/** Replies that stand in a task's history before what they are to (core/early-reply.ts). */

import { condition, patched } from '@temporalio/workflow';
import { isEarly } from '../core/early-reply.ts';
import type { Task } from '../core/task.ts';

/** Resolves when the phase that runs has ended, and what it asked is open; null for a reply that is not early. */
export function untilItIsAsked(task: () => Task, payload: unknown): Promise<void> | null {
  const { stage } = task();
  // Histories of before refused it.
  if (!isEarly(task(), payload) || !patched('early-replies')) return null;
  return condition(() => task().stage !== stage);
}
