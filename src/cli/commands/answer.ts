/** Replies to a task's question. */

import { MAX_ANSWER_BYTES, parseAnswer } from '../../core/text.ts';
import { type AnswerMessage } from '../../workflows/messages.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import { readInput } from '../inputs.ts';
import { sendMessage } from '../messages.ts';
import { resolveId } from '../resolve-id.ts';
import type { Session } from '../session.ts';

/** `tasks answer`. */
export async function answer(
  session: Session,
  options: { readonly json?: true; readonly file?: string },
  args: readonly string[],
): Promise<number> {
  const [prefix = '', given] = args;
  if (given !== undefined && options.file !== undefined) {
    throw new UsageError('--file: an answer is a text or a file; leave one of them out');
  }
  if (given === undefined && options.file === undefined) {
    throw new UsageError(`answer: is missing; give it: tasks answer ${prefix} "…", or --file FILE`);
  }
  const text = given ?? (await readInput(session.io, '--file', options.file ?? '-', MAX_ANSWER_BYTES));
  const parsed = parseAnswer(text);
  if (parsed.kind === 'invalid') throw new UsageError(parsed.message);
  const id = await resolveId(session, prefix);
  const temporal = await session.temporal();
  const message: AnswerMessage = { text: parsed.value, actor: session.actor() };
  const sent = await sendMessage(temporal, id, 'answer', message);
  if (sent.kind === 'closed')
    throw new Failed(`${id}: there is no question: the task has ended, or there is no such task`);
  if (session.json) session.printJson({ id, answered: sent.kind === 'taken', queued: sent.kind === 'queued' });
  else if (sent.kind === 'taken') session.print(`${id}  goes on with the answer`);
  else session.print(`${id}  the answer is queued: no worker is running; it is taken when one is`);
  return EXIT.ok;
}
