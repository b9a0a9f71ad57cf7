/**
 * Approves what a task proposes: as it stands, with an edited text, or item by item. What was shown is what is approved:
 * its version goes with the reply, so that something that has changed meanwhile is refused (N7).
 */

import type { AskView } from '../../core/ask-types.ts';
import { MAX_DOCUMENT_CHARS } from '../../core/task-types.ts';
import { isHead, MAX_ANSWER_BYTES, oneLine, parseWords } from '../../core/text.ts';
import type { ApproveMessage } from '../../workflows/messages.ts';
import { canAsk, confirm } from '../dialog.ts';
import { editText, keepText } from '../editor.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import { readInput } from '../inputs.ts';
import { itemsByNumber, itemsText, parseItemsText, type ItemChoice } from '../items.ts';
import { findOpen, requireOpen } from '../open-asks.ts';
import { sendReply, tellReply } from '../reply.ts';
import { commandsFor, renderAsk, renderOpen } from '../render/asks.ts';
import type { Session } from '../session.ts';
import { resolveTarget, targetText, type Target } from '../target.ts';

export interface ApproveOptions {
  readonly json?: true;
  readonly edit?: true;
  readonly with?: string;
  readonly accept?: string;
  readonly drop?: string;
  readonly yes?: true;
}

/** What is sent beside the version: nothing of it approves what is proposed as it stands. */
type Changes = Pick<ApproveMessage, 'text' | 'items'>;

/** `tasks approve`. */
export async function approve(session: Session, options: ApproveOptions, args: readonly string[]): Promise<number> {
  checkOptions(options);
  const text = options.with === undefined ? null : await readText(session, options.with);
  const target = await resolveTarget(session, args[0] ?? '');
  const asItStands =
    text === null && options.edit !== true && options.accept === undefined && options.drop === undefined;
  // With its version nothing has to be looked up, so that it can be queued while no worker answers.
  if (target.version !== null && asItStands) return send(session, target, {});
  const open =
    target.version === null && options.yes === true && asItStands
      ? await findOpen(session, target)
      : await requireOpen(session, target);
  // Nobody can say what is open, and --yes was given: it counts when exactly one thing is.
  if (open === null) return send(session, target, {});
  const ask = oneOf(target, open.asks);
  const shown = { id: target.id, version: ask.version };
  const changes = await changesOf(session, options, ask, text);
  // An editor that was left without a change is no consent by itself.
  const isNamed = target.version !== null && options.edit !== true;
  const isDecided = isNamed || options.yes === true || hasChanges(changes);
  if (isDecided) return send(session, shown, changes);
  if (!canAsk(session)) {
    throw new UsageError(
      `${target.id}: nothing was ${options.edit === true ? 'changed, and nothing was ' : ''}sent: name what you approve, tasks approve ${targetText(shown)} (${ask.kind}: ${oneLine(ask.text, 80)}), or give --yes`,
    );
  }
  session.note(
    ...renderOpen(open.view, session.screen()),
    ...renderAsk(target.id, ask, session.screen(), { commands: false }),
  );
  const takes =
    ask.kind === 'question' ? `Answer with the default, ${oneLine(ask.default ?? '', 80)}?` : 'Approve this?';
  if (await confirm(session, takes)) return send(session, shown, changes);
  session.note('tasks: nothing was sent');
  return EXIT.failed;
}

function checkOptions({ edit, with: file, accept, drop }: ApproveOptions): void {
  if (edit === true && file !== undefined) {
    throw new UsageError('--edit and --with: the edited text comes from one of them; leave the other out');
  }
  if ((edit === true || file !== undefined) && (accept !== undefined || drop !== undefined)) {
    throw new UsageError(
      '--accept and --drop: not beside an edited text; drop a task there by taking it out of the text',
    );
  }
}

async function readText(session: Session, path: string): Promise<string> {
  const text = await readInput(session.io, '--with', path, MAX_ANSWER_BYTES);
  return parseEdited('--with', text);
}

function parseEdited(option: string, text: string): string {
  const words = parseWords(option, text, 'nothing was sent; to turn the proposal down: tasks reject');
  if (words.kind === 'invalid') throw new UsageError(words.message);
  return words.value;
}

/** The one that is meant. @throws UsageError when several are open, Failed when it has nothing to approve */
function oneOf({ id }: Target, asks: readonly AskView[]): AskView {
  const [ask, ...others] = asks;
  if (ask === undefined || others.length > 0) {
    const each = asks.map((one) => `${commandsFor(id, one)[0] ?? ''} (${oneLine(one.text, 80)})`);
    throw new UsageError(`${id}: ${asks.length} questions are open; reply to each: ${each.join('; ')}`);
  }
  if (ask.kind === 'question' && ask.default === null) {
    throw new Failed(
      `${id}: a question without a default answer is open (${oneLine(ask.text, 200)}); answer it: ${commandsFor(id, ask)[0] ?? ''}`,
    );
  }
  return ask;
}

async function changesOf(
  session: Session,
  options: ApproveOptions,
  ask: AskView,
  text: string | null,
): Promise<Changes> {
  const { accept, drop, edit } = options;
  const isTasks = ask.kind === 'tasks';
  if (accept !== undefined || drop !== undefined) {
    if (!isTasks) throw new UsageError(`--accept and --drop: are for proposed tasks; this is a ${ask.kind}`);
    const items = itemsByNumber(ask.items.length, accept, drop);
    if (items.kind === 'invalid') throw new UsageError(items.message);
    return { items: items.value };
  }
  if (text === null && edit !== true) return {};
  if (ask.kind === 'patch' || ask.kind === 'question') {
    const instead = ask.kind === 'patch' ? 'say what to change: tasks revise' : 'tasks answer';
    throw new UsageError(`--${edit === true ? 'edit' : 'with'}: a ${ask.kind} is not edited as a text; ${instead}`);
  }
  const before = isTasks ? itemsText(ask.items) : ask.body;
  const option = edit === true ? '--edit' : '--with';
  if (isHead(ask.body, MAX_DOCUMENT_CHARS)) {
    throw new Failed(
      `--${edit === true ? 'edit' : 'with'}: the ${ask.kind} is too long to be shown whole, and an edit would lose the rest; ask for changes: tasks revise`,
    );
  }
  const edited = text ?? parseEdited(option, await editText(session, `${ask.kind}.md`, before));
  if (!isTasks) return edited.trim() === before.trim() ? {} : { text: edited };
  const items = parseItemsText(edited, ask.items);
  if (items.kind === 'invalid') throw new UsageError(`${option}: ${items.message}; nothing was sent`);
  return items.value.every(isAccepted) ? {} : { items: items.value };
}

function isAccepted(item: ItemChoice): boolean {
  return Object.keys(item).length === 0;
}

function hasChanges({ text, items }: Changes): boolean {
  return text !== undefined || items !== undefined;
}

async function send(session: Session, target: Target, changes: Changes): Promise<number> {
  const sent = await sendReply(session, target, 'approve', changes).catch(async (error: unknown) => {
    // What somebody has written is not to be lost with a reply that came too late, or to nobody.
    if (changes.text === undefined || !(error instanceof Failed)) throw error;
    throw new Failed(`${error.message}; the edited text is kept in ${await keepText(changes.text)}`, { cause: error });
  });
  const edited = changes.text !== undefined || changes.items?.some((item) => !isAccepted(item)) === true;
  const state = sent.kind === 'taken' ? `; the task is ${sent.state}` : '';
  tellReply(session, target, 'approve', sent, {
    taken: `is approved${edited ? ' with edits' : ''}${state}`,
    noun: 'approval',
    more: { edited },
  });
  return EXIT.ok;
}
