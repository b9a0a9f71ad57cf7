/** What waits for a person, oldest first, each with the commands that reply. Pure. */

import type { TaskView } from '../../core/task-types.ts';
import { oneLine } from '../../core/text.ts';
import type { InboxRow } from '../../ledger/types.ts';
import { commandsFor, hasNumbers, limits, replyLines, type AskHead } from './asks.ts';
import type { Column } from './columns.ts';
import { table, wrap, type Cell } from './table.ts';
import { replyCommand, type Screen } from './tasks.ts';
import { ago } from './time.ts';

/** Whether it is for this person: asked of them, or asked of nobody and of a task of theirs. */
export function isMine(row: InboxRow, person: string): boolean {
  const asked = row.asks.length > 0 ? row.asks.map((ask) => ask.for) : [row.waitingFor?.for ?? null];
  return asked.some((whom) => isSame(whom ?? row.owner, person));
}

function isSame(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}

export function renderInbox(rows: readonly InboxRow[], screen: Screen): string[] {
  return rows.flatMap((row) => renderRow(row, screen));
}

/** One task: a line, and some for each thing that it asks. */
export function renderRow(row: InboxRow, screen: Screen): string[] {
  const { palette } = screen;
  const { waitingFor } = row;
  if (waitingFor === null) return [];
  const kind = waitingFor.proposal === null ? waitingFor.kind : `proposal (${waitingFor.proposal})`;
  const when = `${row.project}, ${ago(waitingFor.since, screen.nowMs)}`;
  const cells: readonly Cell[] = [
    { text: row.id, paint: palette.bold },
    { text: kind, paint: palette.yellow },
    { text: when, paint: palette.dim },
    { text: oneLine(row.title) },
  ];
  const head = table([cells], screen.columns, HEAD);
  return [
    ...head,
    ...(row.asks.length === 0 ? other(row, screen) : row.asks.flatMap((ask) => asked(row, ask, screen))),
  ];
}

const HEAD: readonly Column[] = [{}, {}, { drop: 1 }, { first: true, min: 12 }];
const INDENT = '    ';

/** What is read whole, below its task: on several lines where one is too long. */
function below(text: string, { columns }: Screen): string[] {
  return wrap(text, columns === null ? null : columns - INDENT.length).map((line) => `${INDENT}${line}`);
}

function asked(row: TaskView, ask: AskHead, screen: Screen): string[] {
  const { palette } = screen;
  const whom = ask.for === null ? '' : `for ${oneLine(ask.for, 60)}: `;
  const see = ask.kind === 'question' ? [] : [`    ${palette.dim('      see:')} tasks show ${row.id}`];
  const numbered = hasNumbers(ask.choices);
  const choices = ask.choices.map((choice, index) => `${numbered ? `${index + 1} ` : ''}${oneLine(choice, 60)}`);
  return [
    ...below(`${whom}${oneLine(ask.text, 500)}`, screen),
    ...(choices.length === 0 ? [] : below(`choices: ${choices.join(', ')}`, screen)),
    ...limits(ask, screen, '    '),
    ...see,
    ...replyLines(commandsFor(row.id, ask), palette, '    '),
  ];
}

/** What waits for something else than a reply, or of which the ledger has only the view. */
function other(row: TaskView, screen: Screen): string[] {
  const { palette } = screen;
  const text = oneLine(row.waitingFor?.text ?? '', 500);
  const known = replyCommand(row);
  // Why nothing lands is the queue's to say, and what lets it go on.
  const see = row.waitingFor?.kind === 'gate' ? `tasks queue --project ${row.project}` : `tasks show ${row.id}`;
  const reply = known ?? see;
  const how = known === null ? 'see:' : 'reply with:';
  return [...below(text, screen), ...(text.includes(reply) ? [] : [`    ${palette.dim(how)} ${reply}`])];
}

/** What tells one wait from another: a new one is told once. */
export function waitKey(row: InboxRow): string {
  const { waitingFor, asks } = row;
  return [
    row.id,
    waitingFor?.kind,
    ...asks.map(({ version }) => version),
    asks.length > 0 ? '' : waitingFor?.since,
  ].join(' ');
}

/** A row of the inbox as JSON: the task, what it asks, and the commands that reply. */
export function inboxObject(row: InboxRow) {
  const { id, ...view } = row;
  const asks = row.asks.map((ask) => ({ ...ask, commands: commandsFor(id, ask) }));
  // The id stands first: completion scripts look for it there.
  return { id, ...view, asks, reply: replyCommand(row) };
}
