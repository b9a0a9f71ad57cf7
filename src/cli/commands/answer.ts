/** Replies to a task's questions: to one with a text, or to all that are open one after another, at a terminal. */

import type { AskView } from '../../core/ask-types.ts';
import { oneLine, parseAnswer } from '../../core/text.ts';
import { canAsk, openDialog, type Dialog } from '../dialog.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import { findOpen, requireOpen } from '../open-asks.ts';
import { readWords, sendReply, tellReply } from '../reply.ts';
import { commandsFor, hasNumbers, renderAsk, renderOpen } from '../render/asks.ts';
import type { Session } from '../session.ts';
import { resolveTarget, targetText, type Target } from '../target.ts';

export interface AnswerOptions {
  readonly json?: true;
  readonly file?: string;
}

/** `tasks answer`. */
export async function answer(session: Session, options: AnswerOptions, args: readonly string[]): Promise<number> {
  const [named = '', given] = args;
  if (given === undefined && options.file === undefined) return answerAll(session, await resolveTarget(session, named));
  const text = await readWords(session, given, options.file, {
    name: 'answer',
    fix: `say something, even "no": tasks answer ${oneLine(named, 40)} "…"`,
  });
  const target = await resolveTarget(session, named);
  // A whole target with words needs nothing looked up, so that it can be queued while no worker answers.
  const isNumber = /^\s*\d{1,2}\s*$/.test(text);
  if (target.version !== null && !isNumber) return send(session, target, text);
  const ask = await findQuestion(session, target);
  if (ask === null) return send(session, target, text);
  const chosen = choiceOf(ask, text);
  if (target.version === null && !session.json) session.note(oneLine(ask.text, 300));
  return send(session, { ...target, version: ask.version }, chosen);
}

async function send(session: Session, target: Target, text: string): Promise<number> {
  const sent = await sendReply(session, target, 'answer', { text });
  const more = { answered: sent.kind === 'taken', text };
  const taken = sent.kind === 'taken' ? afterAnswer(sent.state) : '';
  tellReply(session, target, 'answer', sent, { taken, noun: 'answer', more });
  return EXIT.ok;
}

/** What the answer led to: of a question that was submitted as one, its end. */
function afterAnswer(state: string): string {
  if (state === 'waiting') return 'is answered; the task waits for more';
  return state === 'unchanged' ? 'is answered' : 'goes on with the answer';
}

/** The one question that is meant; null when nobody can say what is open. @throws Failed, UsageError */
async function findQuestion(session: Session, target: Target): Promise<AskView | null> {
  const open = await findOpen(session, target);
  if (open === null) return null;
  const [first, ...others] = open.asks;
  if (first === undefined || others.length > 0) throw new UsageError(severalOpen(target, open.asks));
  if (first.kind !== 'question') {
    throw new Failed(
      `${target.id}: no question is open, but a proposal (${first.kind}); reply with: ${commandsFor(target.id, first).join(', or ')}`,
    );
  }
  return first;
}

function severalOpen({ id }: Target, asks: readonly AskView[]): string {
  const each = asks.map((ask) => `${commandsFor(id, ask)[0] ?? ''} (${oneLine(ask.text, 80)})`);
  return `${id}: ${asks.length} questions are open; answer each: ${each.join('; ')}`;
}

/** A choice by its number, unless the choices are numbers themselves; any other text as it is. @throws UsageError */
export function choiceOf({ choices }: Pick<AskView, 'choices'>, text: string): string {
  const given = text.trim();
  if (!/^\d{1,2}$/.test(given) || !hasNumbers(choices)) return text;
  const choice = choices[Number(given) - 1];
  if (choice === undefined) {
    throw new UsageError(
      `answer: there is no choice ${given}; the choices are ${choices.map((one, index) => `${index + 1} ${oneLine(one, 60)}`).join(', ')}`,
    );
  }
  return choice;
}

/** Every open question, one after another; what is left empty and has no default stays open: exit 1. */
async function answerAll(session: Session, target: Target): Promise<number> {
  const { view, asks } = await requireOpen(session, target);
  const questions = asks.filter(({ kind }) => kind === 'question');
  if (questions.length === 0) await findQuestion(session, target);
  if (!canAsk(session)) {
    const texts = questions.map((ask) => `${commandsFor(target.id, ask)[0] ?? ''} (${oneLine(ask.text, 80)})`);
    throw new UsageError(`answer: is missing; give it: ${texts.join('; ')}`);
  }
  session.note(...renderOpen(view, session.screen()));
  const dialog = openDialog(session);
  let sent = 0;
  let open = questions.length;
  try {
    for (const ask of questions) {
      const one = { id: target.id, version: ask.version };
      session.note('', ...renderAsk(target.id, ask, session.screen(), { commands: false }));
      const reply = await readOne(session, dialog, ask);
      if (reply.kind === 'gone') break;
      if (reply.kind === 'none') {
        session.note(`${targetText(one)}  is left open`);
        continue;
      }
      try {
        await send(session, one, reply.text);
        sent += 1;
        open -= 1;
      } catch (error) {
        // Somebody else was faster with this one: the next may still be open.
        if (!(error instanceof Failed)) throw error;
        session.note(`tasks: ${error.message}`);
      }
    }
  } finally {
    dialog.close();
  }
  if (sent === 0) session.note('tasks: nothing was sent');
  return open === 0 ? EXIT.ok : EXIT.failed;
}

const MAX_TRIES = 5;

type Typed = { readonly kind: 'text'; readonly text: string } | { readonly kind: 'none' } | { readonly kind: 'gone' };

/** What was typed; nothing leaves the question open, and so do too many answers that do not do. */
async function readOne(session: Session, dialog: Dialog, ask: AskView): Promise<Typed> {
  const standard = ask.default === null ? '' : ` [${oneLine(ask.default, 60)}]`;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const line = await dialog.ask(`answer${standard}> `);
    if (line === null) return { kind: 'gone' };
    if (line.trim() === '') return ask.default === null ? { kind: 'none' } : { kind: 'text', text: ask.default };
    const parsed = parseAnswer(line);
    if (parsed.kind === 'ok') {
      try {
        return { kind: 'text', text: choiceOf(ask, parsed.value) };
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        session.note(`tasks: ${error.message}`);
        continue;
      }
    }
    session.note(`tasks: ${parsed.message}`);
  }
  return { kind: 'none' };
}
