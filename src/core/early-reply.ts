/** Replies to what a task is about to ask. Pure. */

import { fieldsOf } from './replies.ts';
import type { Task } from './task-state.ts';

/**
 * Whether a reply is to what the running phase may have asked when it ended: people are told of a question before its
 * workflow has it in its history, and when the worker dies between the two, their reply stands there first (N7).
 */
export function isEarly({ stage, asks }: Pick<Task, 'stage' | 'asks'>, payload: unknown): boolean {
  const { version } = fieldsOf(payload);
  const named = typeof version === 'string' ? Number(version) : version;
  return stage.kind === 'phase' && typeof named === 'number' && Number.isSafeInteger(named) && named > asks;
}
