/** Decisions about a proposal of further tasks, each by itself: by their numbers, or as a text to edit. */

import type { ProposedTask } from '../core/ask-types.ts';
import { quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { parseBody, parseTitle } from '../core/text.ts';
import type { ApproveMessage } from '../workflows/messages.ts';

export type ItemChoice = NonNullable<ApproveMessage['items']>[number];

/** From `--accept 1,3 --drop 2`: with one of them alone the rest is the other. */
export function itemsByNumber(
  count: number,
  accept: string | undefined,
  drop: string | undefined,
): Parsed<readonly ItemChoice[]> {
  const accepted = numbersOf('--accept', accept, count);
  if (accepted.kind === 'invalid') return accepted;
  const dropped = numbersOf('--drop', drop, count);
  if (dropped.kind === 'invalid') return dropped;
  const choices: ItemChoice[] = [];
  for (let number = 1; number <= count; number += 1) {
    const isAccepted = accepted.value?.has(number) ?? dropped.value?.has(number) !== true;
    const isDropped = dropped.value?.has(number) ?? !isAccepted;
    if (isAccepted === isDropped) {
      return fail(
        isAccepted
          ? `--accept and --drop: ${number} is in both; leave it out of one`
          : `--accept and --drop: ${number} is in neither; give it to one, or leave one of the options out`,
      );
    }
    choices.push(isDropped ? { drop: true } : {});
  }
  return ok(choices);
}

function numbersOf(option: string, text: string | undefined, count: number): Parsed<ReadonlySet<number> | null> {
  if (text === undefined) return ok(null);
  const numbers = new Set<number>();
  for (const part of text.split(',').map((each) => each.trim())) {
    const number = /^\d{1,3}$/.test(part) ? Number(part) : 0;
    if (number < 1 || number > count) {
      return fail(`${option}: ${quote(part)} is none of the ${count} tasks; give numbers with commas, such as 1,3`);
    }
    numbers.add(number);
  }
  return ok(numbers);
}

const HEADING = /^=== (\d{1,3}): (.*)$/;
const EXPLANATION = [
  '# Each task is approved as it stands here. Change its title or its text;',
  '# take it out, with its line of ===, to drop it. These lines are left out.',
];

/** The tasks as a text that a person edits. */
export function itemsText(items: readonly ProposedTask[]): string {
  const parts = items.map(({ title, body }, index) => `=== ${index + 1}: ${title}\n${body === '' ? '' : `${body}\n`}`);
  return `${EXPLANATION.join('\n')}\n${parts.join('\n')}`;
}

/** What became of that text: what is not in it any more is dropped. */
export function parseItemsText(text: string, items: readonly ProposedTask[]): Parsed<readonly ItemChoice[]> {
  const found = new Map<number, { readonly title: string; readonly lines: string[] }>();
  let current: string[] | null = null;
  for (const line of text.split(/\r?\n/)) {
    const [, number, title = ''] = HEADING.exec(line) ?? [];
    if (number === undefined) {
      if (current !== null) current.push(line);
      else if (line.trim() !== '' && !line.startsWith('#')) {
        return fail(`${quote(line)} stands before the first task; begin each with === NUMBER: TITLE`);
      }
      continue;
    }
    if (items[Number(number) - 1] === undefined) {
      return fail(`=== ${number}: there are ${items.length} tasks; leave their numbers as they are`);
    }
    if (found.has(Number(number))) return fail(`=== ${number}: is there twice; leave one of them out`);
    current = [];
    found.set(Number(number), { title, lines: current });
  }
  const choices: ItemChoice[] = [];
  for (const [index, item] of items.entries()) {
    const edited = found.get(index + 1);
    if (edited === undefined) {
      choices.push({ drop: true });
      continue;
    }
    const title = parseTitle(edited.title);
    if (title.kind === 'invalid') return { ...title, message: `=== ${index + 1}: ${title.message}` };
    const body = parseBody(edited.lines.join('\n').trim());
    if (body.kind === 'invalid') return { ...body, message: `=== ${index + 1}: ${body.message}` };
    const changes = {
      ...(title.value === item.title ? {} : { title: title.value }),
      ...(body.value === item.body.trim() ? {} : { body: body.value }),
    };
    choices.push(changes);
  }
  return ok(choices);
}
