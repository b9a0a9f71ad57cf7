/** What a task asks people, as text: questions with their choices, proposals with what is to be approved. Pure. */

import type { AskView } from '../../core/ask-types.ts';
import { replyCommands } from '../../core/reply-commands.ts';
import type { TaskView, WaitingFor } from '../../core/task-types.ts';
import { oneLine, printable } from '../../core/text.ts';
import type { Palette } from './palette.ts';
import type { Screen } from './tasks.ts';
import { ago, duration } from './time.ts';

/** An ask without what is long, as lists have it. */
export type AskHead = Omit<AskView, 'body' | 'items'>;

/** The literal commands that reply to one ask, the likeliest first. */
export function commandsFor(id: string, ask: AskHead): readonly string[] {
  const { kind, version, text, since } = ask;
  const isQuestion = kind === 'question';
  const wait: WaitingFor = {
    kind: isQuestion ? 'question' : 'proposal',
    proposal: isQuestion ? null : kind,
    text,
    since,
    version,
    for: ask.for,
    open: 1,
  };
  return replyCommands(id, wait);
}

/** The task that asks: one line above its asks. */
export function renderOpen(view: TaskView, { palette }: Screen): string[] {
  return [`${palette.bold(view.id)}  ${oneLine(view.title)}`];
}

/** All of one ask: who is asked, what, how to reply. */
export function renderAsk(
  id: string,
  ask: AskView,
  screen: Screen,
  options: { readonly commands: boolean } = { commands: true },
): string[] {
  const { palette } = screen;
  const commands = options.commands ? commandsFor(id, ask) : [];
  return [
    palette.yellow(headOf(ask, screen)),
    ...(ask.kind === 'question' ? indented(ask.text) : body(ask, palette)),
    ...choices(ask, palette),
    ...items(ask, palette),
    ...limits(ask, screen),
    // A plan or a diff ends before its commands begin.
    ...(ask.kind === 'question' || commands.length === 0 ? [] : ['']),
    ...replyLines(commands, palette, '  '),
  ];
}

function headOf(ask: AskHead, { nowMs }: Screen): string {
  const what = ask.kind === 'question' ? 'Question' : `Proposal (${ask.kind})`;
  const whom = ask.for === null ? '' : ` for ${oneLine(ask.for, 60)}`;
  return `${what} ${ask.version}${whom}, ${ago(ask.since, nowMs)}`;
}

function body(ask: AskView, palette: Palette): string[] {
  const title = oneLine(ask.text, 500);
  if (ask.body.trim() === '' || ask.body.trim() === ask.text.trim()) return [`  ${palette.bold(title)}`];
  const lines = printable(ask.body).trimEnd().split('\n');
  const paint = looksLikeDiff(lines) ? (line: string) => paintDiff(line, palette) : (line: string) => line;
  return [`  ${palette.bold(title)}`, '', ...lines.map((line) => (line === '' ? '' : `  ${paint(line)}`))];
}

function looksLikeDiff(lines: readonly string[]): boolean {
  return lines.some((line) => line.startsWith('diff --git ')) || lines.some((line) => /^@@ -\d/.test(line));
}

function paintDiff(line: string, palette: Palette): string {
  if (/^(diff --git |index |--- |\+\+\+ |new file |deleted file |rename |similarity )/.test(line)) {
    return palette.bold(line);
  }
  if (line.startsWith('@@')) return palette.cyan(line);
  if (line.startsWith('+')) return palette.green(line);
  return line.startsWith('-') ? palette.red(line) : line;
}

/** Of choices that are numbers a number is taken as it is: theirs are not shown, since nobody could reply with them. */
export function hasNumbers(choices: readonly string[]): boolean {
  return choices.length > 0 && !choices.some((choice) => /^\s*\d+\s*$/.test(choice));
}

function choices(ask: AskHead, palette: Palette): string[] {
  const numbered = hasNumbers(ask.choices);
  const mark = (index: number): string => palette.dim(numbered ? String(index + 1).padStart(2) : ' -');
  return ask.choices.map((choice, index) => `    ${mark(index)}  ${oneLine(choice)}`);
}

function items(ask: AskView, palette: Palette): string[] {
  return ask.items.flatMap((item, index) => [
    `    ${palette.dim(String(index + 1).padStart(2))}  ${palette.bold(oneLine(item.title))}`,
    ...indented(item.body, '        '),
  ]);
}

/** The default answer, and when waiting is over. */
export function limits(ask: AskHead, { palette, nowMs }: Screen, indent = '  '): string[] {
  const until =
    ask.expiresAt === null
      ? []
      : [`${palette.dim('until:')} ${ask.expiresAt} (in ${duration(Date.parse(ask.expiresAt) - nowMs)})`];
  const standard = ask.default === null ? [] : [`${palette.dim('default:')} ${oneLine(ask.default, 500)}`];
  return [...standard, ...until].map((line) => `${indent}${line}`);
}

/** The commands one below the other. */
export function replyLines(commands: readonly string[], palette: Palette, indent: string): string[] {
  return commands.map(
    (command, index) => `${indent}${palette.dim(index === 0 ? 'reply with:' : '        or:')} ${command}`,
  );
}

function indented(text: string, indent = '  '): string[] {
  if (text.trim() === '') return [];
  return printable(text)
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `${indent}${line}`));
}
