/** Replies to what a task is about to ask. Pure. */

import { fieldsOf, type ReplyName } from './replies.ts';
import type { Task } from './task-state.ts';

/** Those that are to a question or a proposal. */
const TO_ASKS: ReadonlySet<ReplyName> = new Set(['answer', 'approve', 'revise', 'reject']);

/**
 * Whether a reply is to what the running phase may have asked when it ended: people are told of a question before its
 * workflow has it in its history, and when the worker dies between the two, their reply stands there first (N7).
 *
 * `named`: it names what only that phase can ask. `unnamed`: it names nothing, and may be; null: it is not.
 */
export function earlyReply(
  { stage, asks }: Pick<Task, 'stage' | 'asks'>,
  name: ReplyName,
  payload: unknown,
): 'named' | 'unnamed' | null {
  if (stage.kind !== 'phase') return null;
  const { version } = fieldsOf(payload);
  if (version === undefined || version === null) return TO_ASKS.has(name) ? 'unnamed' : null;
  const named = typeof version === 'string' ? Number(version) : version;
  return typeof named === 'number' && Number.isSafeInteger(named) && named > asks ? 'named' : null;
}
