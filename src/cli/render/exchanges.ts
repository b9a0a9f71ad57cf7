/** What a task and people have said to each other: answers, decisions and comments. Pure. */

import type { Exchange } from '../../core/task-types.ts';
import { oneLine, printable } from '../../core/text.ts';
import type { Screen } from './tasks.ts';

const MAX_LINES = 6;
const MAX_LINE_CHARS = 500;

export function renderExchanges(exchanges: readonly Exchange[], { palette }: Screen): string[] {
  if (exchanges.length === 0) return [];
  const lines = ['', palette.dim('Answers, decisions and comments')];
  for (const { question, answer, actor } of exchanges) {
    const who = oneLine(actor, 60);
    const [first = '', ...rest] = linesOf(answer);
    if (question === '') lines.push(`  ${palette.dim(`${who}:`)} ${first}`);
    else lines.push(`  ${oneLine(question, MAX_LINE_CHARS)}`, `    ${palette.dim(`${who}:`)} ${first}`);
    lines.push(...rest.map((line) => `      ${line}`));
  }
  return lines;
}

function linesOf(text: string): string[] {
  const lines = printable(text)
    .trim()
    .split('\n')
    .map((line) => oneLine(line, MAX_LINE_CHARS));
  return lines.length <= MAX_LINES ? lines : [...lines.slice(0, MAX_LINES - 1), '…'];
}
