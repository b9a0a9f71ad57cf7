/**
 * The messages that people send to a task: whether each is taken is decided here, purely, from the task's state.
 *
 * Kept true here (N7): a message id that was handled gets its first outcome again; an answer counts for the question
 * that is open, once.
 */

import type { LandingReply } from '../core/queue-types.ts';
import type { Task, TaskInputEvent } from '../core/task.ts';
import { oneLine, parseAnswer } from '../core/text.ts';
import type { AnswerMessage, HandledMessage, MessageOutcome, RetryMessage } from './messages.ts';

/** Enough to tell a repeat of any message that can still be under way. */
const MAX_HANDLED = 200;
// What is remembered travels with the workflow: a sender's long id or an agent's long question must not swell it.
const MAX_REASON_CHARS = 500;
const MAX_ID_CHARS = 200;

export type Judgement =
  | { readonly kind: 'take'; readonly event: Extract<TaskInputEvent, { kind: 'answer' | 'retry' }> }
  | { readonly kind: 'refuse'; readonly reason: string };

const UNKNOWN_ACTOR = 'somebody';

export function judgeAnswer(task: Task, message: Partial<AnswerMessage> | undefined): Judgement {
  const text = message?.text;
  if (typeof text !== 'string') return refuse('the answer has no text; send {"text": "…"}');
  const parsed = parseAnswer(text);
  if (parsed.kind === 'invalid') return refuse(parsed.message);
  const { stage } = task;
  if (stage.kind !== 'asking') return refuse(`no question is open: ${describe(task)}`);
  const version = message?.version;
  if (version !== undefined && version !== stage.ask.version) {
    return refuse(`question ${version} is not open any more; question ${stage.ask.version} is: ${stage.ask.text}`);
  }
  return { kind: 'take', event: { kind: 'answer', text: parsed.value, actor: actorOf(message) } };
}

export function judgeRetry(task: Task, message: RetryMessage | undefined): Judgement {
  if (task.stage.kind !== 'parked' && task.stage.kind !== 'backoff') {
    return refuse(`there is nothing to retry: ${describe(task)}`);
  }
  return { kind: 'take', event: { kind: 'retry', actor: actorOf(message) } };
}

/** What each answer of the queue has to bring along. */
const BRINGS: Readonly<Record<LandingReply['kind'], string | null>> = {
  landed: 'landing',
  'nothing-to-land': null,
  returned: 'request',
  refused: 'failure',
  held: 'held',
  withdrawn: null,
};

/** Whether a signal is the queue's answer to this very hand-off: it may come from anybody, late, or of a newer version. */
export function isReplyTo(handoff: number, reply: LandingReply | null | undefined): reply is LandingReply {
  if (typeof reply !== 'object' || reply === null || reply.handoff !== handoff) return false;
  if (!Object.hasOwn(BRINGS, reply.kind)) return false;
  const brought = BRINGS[reply.kind];
  return brought === null || Object.hasOwn(reply, brought);
}

export function remember(
  handled: readonly HandledMessage[],
  messageId: string | undefined,
  outcome: MessageOutcome,
): readonly HandledMessage[] {
  const id = idOf(messageId);
  return id === null ? handled : [...handled, { messageId: id, outcome }].slice(-MAX_HANDLED);
}

export function outcomeOf(handled: readonly HandledMessage[], messageId: string | undefined): MessageOutcome | null {
  const id = idOf(messageId);
  return handled.find((message) => message.messageId === id)?.outcome ?? null;
}

/** A signal may bring anything in place of an id; what is none is as good as left out. */
function idOf(messageId: unknown): string | null {
  return typeof messageId === 'string' && messageId !== '' ? messageId.slice(0, MAX_ID_CHARS) : null;
}

export function actorOf(message: { readonly actor?: string } | undefined): string {
  const actor = message?.actor;
  return (typeof actor === 'string' && oneLine(actor)) || UNKNOWN_ACTOR;
}

function describe(task: Task): string {
  const { stage } = task;
  switch (stage.kind) {
    case 'phase':
      return `the task is in its ${stage.phase} phase`;
    case 'backoff':
      return 'the task waits to try again by itself';
    case 'asking':
      return `the task waits for an answer to: ${stage.ask.text}`;
    case 'parked':
      return 'the task waits for a retry or a cancel';
    case 'landing':
    case 'withdrawing':
      return 'the task is landing';
    case 'ended':
      return `the task has ended (${stage.end})`;
  }
}

function refuse(reason: string): Judgement {
  return { kind: 'refuse', reason: oneLine(reason, MAX_REASON_CHARS) };
}
