/**
 * The messages that a task's workflow takes beside what people reply (core/replies.ts): the queue's answers, and the
 * memory of messages that were handled.
 *
 * Kept true here (N7): a message id that was handled gets its first outcome again.
 */

import type { LandingReply } from '../core/queue-types.ts';
import { MAX_CONFLICT_FILES } from '../core/radar.ts';
import { isRecord } from '../core/text.ts';
import type { BlockMessage, ConflictMessage, HandledMessage, MessageOutcome, ReleaseMessage } from './messages.ts';

/** Enough to tell a repeat of any message that can still be under way. */
const MAX_HANDLED = 200;
// What is remembered travels with the workflow: a sender's long id must not swell it.
const MAX_ID_CHARS = 200;
/** As long as a path can be. */
const MAX_TEXT_CHARS = 4_096;

/** What of each answer of the queue goes on: what is not there would stop the task's workflow for good. */
const IS_WHOLE: Readonly<Record<LandingReply['kind'], (brought: Readonly<Record<string, unknown>>) => boolean>> = {
  landed: ({ landing }) => isRecord(landing) && hasTexts(landing, 'commit'),
  'nothing-to-land': () => true,
  returned: ({ request }) =>
    isRecord(request) &&
    hasTexts(request, 'text', 'evidence') &&
    Array.isArray(request['files']) &&
    Array.isArray(request['landedSince']),
  refused: ({ failure }) => isRecord(failure) && hasTexts(failure, 'kind', 'message', 'next'),
  held: ({ held }) => held === null || (isRecord(held) && hasTexts(held, 'text')),
  withdrawn: () => true,
};

/** Whether a signal is the queue's answer to this very hand-off: it may come from anybody, late, or of a newer version. */
export function isReplyTo(handoff: number, reply: unknown): reply is LandingReply {
  if (!isRecord(reply)) return false;
  const { kind, handoff: to } = reply;
  return to === handoff && isKind(kind) && IS_WHOLE[kind](reply);
}

function hasTexts(brought: Readonly<Record<string, unknown>>, ...fields: readonly string[]): boolean {
  return fields.every((field) => typeof brought[field] === 'string');
}

function isKind(kind: unknown): kind is LandingReply['kind'] {
  return typeof kind === 'string' && Object.hasOwn(IS_WHOLE, kind);
}

export function remember(
  handled: readonly HandledMessage[],
  messageId: unknown,
  outcome: MessageOutcome,
): readonly HandledMessage[] {
  const id = idOf(messageId);
  return id === null ? handled : [...handled, { messageId: id, outcome }].slice(-MAX_HANDLED);
}

export function outcomeOf(handled: readonly HandledMessage[], messageId: unknown): MessageOutcome | null {
  const id = idOf(messageId);
  return handled.find((message) => message.messageId === id)?.outcome ?? null;
}

/** A signal may bring anything in place of an id; what is none is as good as left out. */
function idOf(messageId: unknown): string | null {
  return typeof messageId === 'string' && messageId !== '' ? messageId.slice(0, MAX_ID_CHARS) : null;
}

/** A signal may come from anybody. */
export function isBlock(message: Partial<BlockMessage> | undefined): message is BlockMessage {
  return isRecord(message) && typeof message['by'] === 'string' && typeof message['text'] === 'string';
}

export function isRelease(message: Partial<ReleaseMessage> | undefined): message is ReleaseMessage {
  if (!isBlock(message) || !('actor' in message) || typeof message.actor !== 'string') return false;
  return !('question' in message) || typeof message.question === 'string';
}

export function isConflict(message: Partial<ConflictMessage> | undefined): message is ConflictMessage {
  if (!isRecord(message) || typeof message['head'] !== 'string') return false;
  const conflict = message['conflict'];
  if (conflict === null) return true;
  if (!isRecord(conflict) || !areTexts([conflict['head'], conflict['main']])) return false;
  const { files, landed } = conflict;
  return (
    Array.isArray(files) &&
    files.length <= MAX_CONFLICT_FILES &&
    areTexts(files) &&
    Array.isArray(landed) &&
    landed.length <= MAX_CONFLICT_FILES &&
    landed.every((one) => isRecord(one) && areTexts([one['commit'], one['title'], one['summary']]))
  );
}

function areTexts(values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string' && value.length <= MAX_TEXT_CHARS);
}
