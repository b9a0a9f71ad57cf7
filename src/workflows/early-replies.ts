/** Replies that stand in a task's history before what they are to (core/early-reply.ts). */

import { condition, patched } from '@temporalio/workflow';
import { earlyReply } from '../core/early-reply.ts';
import type { ReplyName } from '../core/replies.ts';
import type { Task } from '../core/task.ts';

/** A phase that ended before the reply came ends at once: signals are handed over before the ends of activities. */
const AT_ONCE_MS = 1;

/** Resolves when the phase that runs has ended, and what it asked is open; null for a reply that is not early. */
export function untilItIsAsked(task: () => Task, name: ReplyName, payload: unknown): Promise<unknown> | null {
  const { stage } = task();
  const isAsked = (): boolean => task().stage !== stage;
  const early = earlyReply(task(), name, payload);
  // Histories of before refused both.
  if (early === 'named' && patched('early-replies')) return condition(isAsked);
  if (early === 'unnamed' && patched('early-unnamed-replies'))
    return condition(isAsked, AT_ONCE_MS, { summary: 'whether what the reply is to is just being asked' });
  return null;
}
