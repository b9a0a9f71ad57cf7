/**
 * Sends a person's message to a task: as an update, whose answer says whether it was taken; and when nobody answers in
 * time, as a signal of the same id, so that it is taken once whichever comes first (N7).
 */

import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { UnreadablePayload } from '../codec/encryption-codec.ts';
import type { TaskId } from '../core/ids.ts';
import { oneLine } from '../core/text.ts';
import type { ReplyName } from '../core/replies.ts';
import { signalOf, updateOf, type Replies } from '../workflows/messages.ts';
import { messageOf } from '../core/thrown.ts';
import { Failed } from './errors.ts';
import { CALL_MS, whyUnheard, type Temporal, type Unheard } from './temporal.ts';

const UPDATE_MS = 3_000;

export type Sent =
  | { readonly kind: 'taken'; readonly state: string }
  /** The message waits in the workflow. */
  | { readonly kind: 'queued'; readonly why: Unheard }
  /** The task has ended, or there is none. */
  | { readonly kind: 'closed' };

/** @throws Failed with the reason of a task that refuses the message */
export async function sendMessage<Name extends ReplyName>(
  temporal: Temporal,
  id: TaskId,
  name: Name,
  message: Replies[Name],
): Promise<Sent> {
  const whole = { ...message, messageId: message.messageId ?? randomUUID() };
  const handle = temporal.task(id);
  let why: Unheard;
  try {
    const outcome = await temporal.connection.withDeadline(Date.now() + UPDATE_MS, () =>
      handle.executeUpdate(updateOf(name), { args: [whole], updateId: whole.messageId }),
    );
    if (outcome.kind === 'refused') throw new Failed(`${id}: ${oneLine(outcome.reason, 500)}`);
    return outcome;
  } catch (error) {
    if (error instanceof Failed) throw error;
    if (error instanceof WorkflowNotFoundError) return { kind: 'closed' };
    if (error instanceof WorkflowUpdateFailedError) throw new Failed(`${id}: ${reasonOf(error)}`, { cause: error });
    if (error instanceof UnreadablePayload) {
      throw new Failed(`${id}: the ${name} was sent, and not encrypted; its answer cannot be read: ${error.message}`);
    }
    const unheard = whyUnheard(error);
    if (unheard === null) throw error;
    why = unheard;
  }
  try {
    await temporal.within(CALL_MS, () => handle.signal(signalOf(name), whole));
    return { kind: 'queued', why };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return { kind: 'closed' };
    throw error;
  }
}

function reasonOf(error: WorkflowUpdateFailedError): string {
  return oneLine(error.cause instanceof ApplicationFailure ? error.cause.message : messageOf(error), 500);
}
