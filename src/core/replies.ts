/**
 * What people send to a task: whether each message counts is decided here, from the task's state. A payload may come
 * from anybody and be anything: the smallest sensible one is taken, the rest is refused with what holds.
 *
 * Kept true here (N7): a reply counts for an open question or proposal, once; one that comes late, twice or for
 * something else is refused with what already holds.
 */

import type { Ask, ItemDecision, OpenProposal, ProposedTask } from './ask-types.ts';
import { settledText } from './ask-view.ts';
import type { TaskId } from './ids.ts';
import type { Parsed } from './parsed.ts';
import { judgeFrom } from './retry-from.ts';
import type { PersonEvent, Task } from './task-state.ts';
import { MAX_DOCUMENT_CHARS, type Phase } from './task-types.ts';
import { isHead, isRecord, oneLine, parseAnswer, parseBody, parseTitle, parseWords } from './text.ts';

export const REPLIES = ['answer', 'approve', 'revise', 'reject', 'comment', 'edit', 'retry'] as const;
export type ReplyName = (typeof REPLIES)[number];

export type Judgement =
  | { readonly kind: 'take'; readonly event: PersonEvent }
  | { readonly kind: 'refuse'; readonly reason: string };

export const UNKNOWN_ACTOR = 'somebody';
const MAX_REASON_CHARS = 500;

type Fields = Readonly<Record<string, unknown>>;

/**
 * @param newIds gives so many ids, for tasks that a proposal's approval makes
 * @param first the task's first phase
 */
export function judgeReply(
  name: ReplyName,
  task: Task,
  payload: unknown,
  newIds: (count: number) => readonly TaskId[],
  first: Phase = 'understand',
): Judgement {
  const fields = fieldsOf(payload);
  const actor = actorOf(fields);
  switch (name) {
    case 'answer':
      return judgeAnswer(task, fields, actor);
    case 'approve':
      return judgeApproval(task, fields, actor, newIds);
    case 'revise':
      return judgeWords(task, fields, actor, 'revise', 'text', 'say what to change');
    case 'reject':
      return judgeWords(task, fields, actor, 'reject', 'reason', 'say why');
    case 'comment':
      return judgeComment(task, fields, actor);
    case 'edit':
      return judgeEdit(task, fields, actor);
    case 'retry':
      return judgeRetry(task, fields, actor, first);
  }
}

/** A bare text stands for its field; what is no object has no fields. */
export function fieldsOf(payload: unknown): Fields {
  if (typeof payload === 'string') return { text: payload, reason: payload, bare: true };
  return isRecord(payload) ? payload : {};
}

export function actorOf(payload: unknown): string {
  const actor = isRecord(payload) ? payload['actor'] : undefined;
  return (typeof actor === 'string' && oneLine(actor)) || UNKNOWN_ACTOR;
}

function judgeRetry(task: Task, fields: Fields, actor: string, first: Phase): Judgement {
  const waits = task.stage.kind === 'parked' || task.stage.kind === 'backoff';
  if (!waits) return refuse(`there is nothing to retry: ${describe(task)}`);
  const { attempt } = fields;
  if (attempt !== undefined && attempt !== null && attempt !== task.attempt) {
    return refuse(`it has been retried since: attempt ${task.attempt} is its last one; look at it with tasks show`);
  }
  const from = judgeFrom(task, first, fields['from']);
  if (from.kind === 'invalid') return refuse(from.message);
  return take({ kind: 'retry', actor, ...(from.value === null ? {} : { from: from.value }) });
}

function judgeAnswer(task: Task, fields: Fields, actor: string): Judgement {
  if (typeof fields['text'] !== 'string') return refuse('the answer has no text; send {"text": "…"}');
  const text = parseAnswer(fields['text']);
  if (text.kind === 'invalid') return refuse(text.message);
  const found = openAsk(task, fields['version']);
  if (found.kind === 'refuse') return found;
  const { ask } = found;
  if (ask.kind === 'proposal') {
    return refuse(
      `no question is open, but a proposal of a ${ask.proposal.kind}: approve it, ask for changes or reject it`,
    );
  }
  return take({ kind: 'answer', version: ask.version, text: text.value, actor });
}

function judgeApproval(
  task: Task,
  fields: Fields,
  actor: string,
  newIds: (count: number) => readonly TaskId[],
): Judgement {
  const found = openAsk(task, fields['version']);
  if (found.kind === 'refuse') return found;
  const { ask } = found;
  const hasText = fields['text'] !== undefined && fields['text'] !== null;
  if (ask.kind === 'question') {
    const { default: standard } = ask.question;
    if (hasText) return refuse(`a question is open: answer it: ${ask.question.text}`);
    if (standard === null) return refuse(`a question is open, and it has no default: answer it: ${ask.question.text}`);
    return take({ kind: 'answer', version: ask.version, text: standard, actor });
  }
  // "ok" by itself is said to agree, not to replace what was proposed.
  if (fields['bare'] === true) return refuse('an approval is sent with nothing in it; an edited text as {"text": "…"}');
  const text = editedText(ask, fields['text']);
  if (text.kind === 'invalid') return refuse(text.message);
  const items = itemsOf(ask, fields['items']);
  if (items.kind === 'invalid') return refuse(items.message);
  const { version } = ask;
  return take({
    kind: 'approve',
    version,
    text: text.value,
    items: items.value,
    ids: newIds(items.value.length),
    actor,
  });
}

const EDITABLE: ReadonlySet<string> = new Set(['understanding', 'plan', 'effect', 'message', 'task']);

function editedText(ask: OpenProposal, text: unknown): Parsed<string | null> {
  if (text === undefined || text === null) return { kind: 'ok', value: null };
  const { kind, body } = ask.proposal;
  if (typeof text !== 'string') return { kind: 'invalid', message: 'text: must be a text, or be left out' };
  if (!EDITABLE.has(kind)) {
    const instead = kind === 'tasks' ? 'edit its items one by one' : 'say what to change with revise';
    return { kind: 'invalid', message: `text: a ${kind} cannot be edited as a text; ${instead}` };
  }
  const words = parseWords(`the edited ${kind}`, text, 'nothing was approved; to turn it down, reject it');
  if (words.kind === 'invalid') return words;
  if (words.value.trim() === body.trim()) return { kind: 'ok', value: null };
  if (isHead(body, MAX_DOCUMENT_CHARS)) {
    const message = `text: the ${kind} is too long to be shown whole, and an edit would lose the rest; ask for changes with revise`;
    return { kind: 'invalid', message };
  }
  return { kind: 'ok', value: words.value };
}

/** One decision for each proposed task: `{}` accepts it, `{"drop": true}` drops it, a title or a body edits it. */
function itemsOf(ask: OpenProposal, given: unknown): Parsed<readonly ItemDecision[]> {
  const { items } = ask.proposal;
  if (given === undefined || given === null) return { kind: 'ok', value: items.map(() => ({ kind: 'accepted' })) };
  if (!Array.isArray(given) || given.length !== items.length) {
    return {
      kind: 'invalid',
      message: `items: must be a list of ${items.length} decisions, one for each proposed task; {} accepts, {"drop": true} drops`,
    };
  }
  const decisions: ItemDecision[] = [];
  for (const [index, item] of items.entries()) {
    const decision = itemOf(item, given[index]);
    if (decision.kind === 'invalid') return { ...decision, message: `items: ${index + 1}: ${decision.message}` };
    decisions.push(decision.value);
  }
  return { kind: 'ok', value: decisions };
}

function itemOf(item: ProposedTask, given: unknown): Parsed<ItemDecision> {
  const { drop = false, title = item.title, body = item.body } = isRecord(given) ? given : { drop: null };
  if (typeof drop !== 'boolean' || typeof title !== 'string' || typeof body !== 'string') {
    return { kind: 'invalid', message: 'must be {}, {"drop": true}, or have a title, a body or both' };
  }
  if (drop) return { kind: 'ok', value: { kind: 'dropped' } };
  if (title === item.title && body === item.body) return { kind: 'ok', value: { kind: 'accepted' } };
  const newTitle = parseTitle(title);
  if (newTitle.kind === 'invalid') return newTitle;
  const newBody = parseBody(body);
  if (newBody.kind === 'invalid') return newBody;
  return { kind: 'ok', value: { kind: 'edited', task: { title: newTitle.value, body: newBody.value } } };
}

function judgeWords(
  task: Task,
  fields: Fields,
  actor: string,
  kind: 'revise' | 'reject',
  field: 'text' | 'reason',
  empty: string,
): Judgement {
  const given = fields[field] ?? fields['text'];
  if (typeof given !== 'string') return refuse(`${field}: is missing; ${empty}: {"${field}": "…"}`);
  const words = parseWords(field, given, empty);
  if (words.kind === 'invalid') return refuse(words.message);
  const found = openAsk(task, fields['version']);
  if (found.kind === 'refuse') return found;
  const { ask } = found;
  if (ask.kind === 'question') return refuse(`no proposal is open, but a question: answer it: ${ask.question.text}`);
  if (kind === 'revise' && ask.proposal.kind === 'task') {
    return refuse('nobody works on this proposal yet: approve it with an edited text, edit it, or reject it');
  }
  return take({ kind, version: ask.version, text: words.value, actor });
}

function judgeComment(task: Task, fields: Fields, actor: string): Judgement {
  if (typeof fields['text'] !== 'string') return refuse('the comment has no text; send {"text": "…"}');
  const text = parseWords('comment', fields['text'], 'say something');
  if (text.kind === 'invalid') return refuse(text.message);
  return isOver(task)
    ? refuse(`a comment reaches nobody any more: ${describe(task)}`)
    : take({ kind: 'comment', text: text.value, actor });
}

function judgeEdit(task: Task, fields: Fields, actor: string): Judgement {
  const { title = null, body = null } = fields;
  if (!isTextOrNull(title) || !isTextOrNull(body) || (title === null && body === null)) {
    return refuse('an edit has a title, a body or both; send {"title": "…", "body": "…"}');
  }
  const newTitle = title === null ? null : parseTitle(title);
  if (newTitle?.kind === 'invalid') return refuse(newTitle.message);
  const newBody = body === null ? null : parseBody(body);
  if (newBody?.kind === 'invalid') return refuse(newBody.message);
  if (isOver(task)) return refuse(`it is too late for an edit: ${describe(task)}`);
  return take({ kind: 'edit', title: newTitle?.value ?? null, body: newBody?.value ?? null, actor });
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function isOver({ stage }: Task): boolean {
  return stage.kind === 'ended' || stage.kind === 'withdrawing';
}

type Found = { readonly kind: 'found'; readonly ask: Ask } | Extract<Judgement, { kind: 'refuse' }>;

/** The ask that a reply is for: the one it names, or the only one that is open. */
function openAsk(task: Task, version: unknown): Found {
  const { stage } = task;
  const asks = stage.kind === 'asking' ? stage.asks : [];
  if (version !== undefined && version !== null) {
    const named = typeof version === 'string' ? Number(version) : version;
    if (typeof named !== 'number' || !Number.isSafeInteger(named))
      return refuse(`version: must be the number of what is replied to; ${openText(task, asks)}`);
    const ask = asks.find((open) => open.version === named);
    return ask === undefined ? refuse(`${whatBecameOf(task, named)}; ${openText(task, asks)}`) : { kind: 'found', ask };
  }
  const [ask, ...others] = asks;
  if (ask === undefined) {
    const last = task.settled.at(-1);
    const held = last === undefined ? '' : `; ${whatBecameOf(task, last.version)}`;
    return refuse(`nothing is open that waits for a reply: ${describe(task)}${held}`);
  }
  return others.length === 0
    ? { kind: 'found', ask }
    : refuse(`several are open: ${openText(task, asks)}; name one by its version`);
}

function openText(task: Task, asks: readonly Ask[]): string {
  if (asks.length === 0) return describe(task);
  return `open ${asks.length === 1 ? 'is' : 'are'} ${asks.map((ask) => `${ask.version} (${oneLine(ask.kind === 'question' ? ask.question.text : ask.proposal.title, 80)})`).join(', ')}`;
}

/** What became of an ask that a reply is too late for. */
function whatBecameOf(task: Task, version: number): string {
  const settled = task.settled.find((one) => one.version === version);
  if (settled === undefined) return `${version} is not open`;
  return settledText(version, settled.how, settled.actor, new Date(settled.atMs).toISOString());
}

function describe(task: Task): string {
  const { stage } = task;
  switch (stage.kind) {
    case 'phase':
      return `the task is in its ${stage.phase} phase`;
    case 'backoff':
      return 'the task waits to try again by itself';
    case 'asking':
      return 'the task waits for a person';
    case 'blocked':
      return 'the task waits for the answer to another question';
    case 'parked':
      return 'the task waits for a retry or a cancel';
    case 'landing':
    case 'withdrawing':
      return 'the task is landing';
    case 'ended':
      return `the task has ended (${stage.end})`;
  }
}

function take(event: PersonEvent): Judgement {
  return { kind: 'take', event };
}

function refuse(reason: string): Extract<Judgement, { kind: 'refuse' }> {
  return { kind: 'refuse', reason: oneLine(reason, MAX_REASON_CHARS) };
}
