/** Sends a person's reply, and tells what became of it; the version that was shown goes with it (N7). */

import type { ReplyName } from '../core/replies.ts';
import type { Replies } from '../workflows/messages.ts';
import { Failed, UsageError } from './errors.ts';
import { readInput } from './inputs.ts';
import { requireKnown } from './known.ts';
import { sendMessage, type Sent } from './messages.ts';
import { CALL_MS } from './temporal.ts';
import { whyNothing } from './open-asks.ts';
import type { Session } from './session.ts';
import { targetText, type Target } from './target.ts';
import { parseWords, MAX_ANSWER_BYTES } from '../core/text.ts';

export type Arrived = Extract<Sent, { kind: 'taken' | 'queued' }>;

const TOO_LATE = 'and no prompt of it follows; begin further work with tasks submit';

/** @throws Failed with what holds already when the task refuses it or has ended */
export async function sendReply<Name extends ReplyName>(
  session: Session,
  target: Target,
  name: Name,
  fields: Omit<Replies[Name], 'actor' | 'messageId' | 'version'>,
): Promise<Arrived> {
  const temporal = await session.temporal();
  // A Temporal that is not there is told as that, and at once: only a missing worker leaves a message waiting.
  await temporal.within(CALL_MS, () => temporal.connection.ensureConnected());
  const actor = await session.actor();
  const version = target.version === null ? {} : { version: target.version };
  // The fields are those of the named message, which the compiler cannot follow through the spread.
  const message = { ...fields, ...version, actor } as Replies[Name];
  const sent = await sendMessage(temporal, target.id, name, message);
  if (sent.kind !== 'closed') return sent;
  const view = await requireKnown(session, target.id);
  // They are about the task, and not about something that it asks.
  if (name === 'comment' || name === 'edit') {
    throw new Failed(
      `${target.id}: the task has ended (${view.state}), ${TOO_LATE}; see it with: tasks show ${target.id}`,
    );
  }
  throw new Failed(await whyNothing(session, target, view, []));
}

/** One line, or one JSON object: `{id, version, reply, taken, queued, state}` and what is particular to the reply. */
export function tellReply(
  session: Session,
  target: Target,
  name: ReplyName,
  sent: Arrived,
  words: { readonly taken: string; readonly noun: string; readonly more?: Readonly<Record<string, unknown>> },
): void {
  const { id, version } = target;
  if (session.json) {
    const queued = sent.kind === 'queued';
    const state = sent.kind === 'taken' ? sent.state : null;
    return session.printJson({ id, version, reply: name, taken: !queued, queued, state, ...words.more });
  }
  session.print(`${targetText(target)}  ${sent.kind === 'queued' ? queuedText(words.noun, sent) : words.taken}`);
}

function queuedText(noun: string, { why }: Extract<Sent, { kind: 'queued' }>): string {
  return why === 'failing'
    ? `the ${noun} is queued: the task cannot go on now, and the workers' logs say why; it is taken, once, when it can`
    : `the ${noun} is queued: no worker answers; it is taken, once, when one does`;
}

/** Words from an argument, `-` for standard input, or a file. @throws UsageError that names what is missing */
export async function readWords(
  session: Session,
  given: string | undefined,
  file: string | undefined,
  missing: { readonly name: string; readonly fix: string },
): Promise<string> {
  const { name, fix } = missing;
  if (given !== undefined && file !== undefined) {
    throw new UsageError(`--file: the ${name} is a text or a file; leave one of them out`);
  }
  if (given === undefined && file === undefined) throw new UsageError(`${name}: is missing; ${fix}`);
  const path = file ?? (given === '-' ? '-' : null);
  const text = path === null ? (given ?? '') : await readInput(session.io, '--file', path, MAX_ANSWER_BYTES);
  const parsed = parseWords(name, text, `nothing was sent; ${fix}`);
  if (parsed.kind === 'invalid') throw new UsageError(parsed.message);
  return parsed.value;
}
