/** Asks for changes of what a task proposes, or turns it down. */

import { oneLine } from '../../core/text.ts';
import { EXIT, UsageError } from '../errors.ts';
import { findOpen } from '../open-asks.ts';
import { readWords, sendReply, tellReply } from '../reply.ts';
import { commandsFor } from '../render/asks.ts';
import type { Session } from '../session.ts';
import { resolveTarget, type Target } from '../target.ts';

export interface ReviseOptions {
  readonly json?: true;
  readonly file?: string;
}

export interface RejectOptions {
  readonly json?: true;
  readonly reason?: string;
  readonly file?: string;
}

/** `tasks revise`. */
export async function revise(session: Session, options: ReviseOptions, args: readonly string[]): Promise<number> {
  const [named = '', given] = args;
  const text = await readWords(session, given, options.file, {
    name: 'what to change',
    fix: `say it: tasks revise ${oneLine(named, 40)} "…"`,
  });
  const target = await versioned(session, await resolveTarget(session, named));
  const sent = await sendReply(session, target, 'revise', { text });
  tellReply(session, target, 'revise', sent, { taken: 'goes back, with what is to be changed', noun: 'request' });
  return EXIT.ok;
}

/** `tasks reject`. */
export async function reject(session: Session, options: RejectOptions, args: readonly string[]): Promise<number> {
  const [named = ''] = args;
  const reason = await readWords(session, options.reason, options.file, {
    name: '--reason',
    fix: `say why: tasks reject ${oneLine(named, 40)} --reason "…"`,
  });
  const target = await versioned(session, await resolveTarget(session, named));
  const sent = await sendReply(session, target, 'reject', { reason });
  tellReply(session, target, 'reject', sent, { taken: 'is rejected', noun: 'rejection' });
  return EXIT.ok;
}

/** With the version of the one proposal that is open, which is told; as it was when nobody can say what is. */
async function versioned(session: Session, target: Target): Promise<Target> {
  if (target.version !== null) return target;
  const open = await findOpen(session, target);
  if (open === null) return target;
  const [ask, ...others] = open.asks;
  if (ask === undefined || others.length > 0 || ask.kind === 'question') {
    const each = open.asks.map((one) => `${commandsFor(target.id, one)[0] ?? ''} (${oneLine(one.text, 80)})`);
    throw new UsageError(`${target.id}: no proposal is open, but a question; answer it: ${each.join('; ')}`);
  }
  if (!session.json) session.note(`${ask.kind}: ${oneLine(ask.text, 300)}`);
  return { id: target.id, version: ask.version };
}
