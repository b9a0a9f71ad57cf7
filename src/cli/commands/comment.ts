/** What a person says to a task without being asked: a comment for its next prompt, and changes of the submission. */

import { MAX_BODY_BYTES, oneLine, parseBody, parseTitle } from '../../core/text.ts';
import type { EditMessage } from '../../workflows/messages.ts';
import { EXIT, UsageError } from '../errors.ts';
import { readInput } from '../inputs.ts';
import { resolveId } from '../resolve-id.ts';
import { readWords, sendReply, tellReply } from '../reply.ts';
import type { Session } from '../session.ts';
import { parseTarget } from '../target.ts';

export interface CommentOptions {
  readonly json?: true;
  readonly file?: string;
}

export interface EditOptions {
  readonly json?: true;
  readonly title?: string;
  readonly body?: string;
  readonly file?: string;
}

/** `tasks comment`. */
export async function comment(session: Session, options: CommentOptions, args: readonly string[]): Promise<number> {
  const [named = '', given] = args;
  const text = await readWords(session, given, options.file, {
    name: 'comment',
    fix: `say something: tasks comment ${oneLine(named, 40)} "…"`,
  });
  // Whatever is open by then: a comment is about the task.
  const target = { id: await resolveId(session, parseTarget(named).id), version: null };
  const sent = await sendReply(session, target, 'comment', { text });
  tellReply(session, target, 'comment', sent, { taken: 'has the comment; its next prompt brings it', noun: 'comment' });
  return EXIT.ok;
}

/** `tasks edit`. */
export async function edit(session: Session, options: EditOptions, args: readonly string[]): Promise<number> {
  const [named = ''] = args;
  const changes = await readChanges(session, options, named);
  const target = { id: await resolveId(session, parseTarget(named).id), version: null };
  const sent = await sendReply(session, target, 'edit', changes);
  tellReply(session, target, 'edit', sent, { taken: 'is edited; its next prompt says so', noun: 'edit' });
  return EXIT.ok;
}

async function readChanges(
  session: Session,
  options: EditOptions,
  named: string,
): Promise<Pick<EditMessage, 'title' | 'body'>> {
  if (options.body !== undefined && options.file !== undefined) {
    throw new UsageError('--body and --file: a task has one body; leave one of them out');
  }
  if (options.title === undefined && options.body === undefined && options.file === undefined) {
    throw new UsageError(
      `edit: nothing to change was given; give it: tasks edit ${oneLine(named, 40)} --title "…", --body "…" or --file FILE`,
    );
  }
  const title = options.title === undefined ? null : parseTitle(options.title);
  if (title?.kind === 'invalid') throw new UsageError(`--${title.message}`);
  const given =
    options.file === undefined ? options.body : await readInput(session.io, '--file', options.file, MAX_BODY_BYTES);
  const body = given === undefined ? null : parseBody(given);
  if (body?.kind === 'invalid') throw new UsageError(`--${body.message}`);
  return {
    ...(title === null ? {} : { title: title.value }),
    ...(body === null ? {} : { body: body.value }),
  };
}
