/** The limits and hygiene of what people write. */

import { quote } from './ids.ts';
import { fail, ok, type Parsed } from './parsed.ts';

export const MAX_TITLE_CHARS = 200;
export const MAX_BODY_BYTES = 64 * 1024;
export const MAX_ANSWER_BYTES = 64 * 1024;
export const MAX_COMMAND_BYTES = 16 * 1024;

// Control characters, those that change the direction of what stands around them (they can make a line read as
// another), those that nobody sees but for the joiners that scripts and emoji need, and halves of characters.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/u;
const UNPRINTABLE_IN_TEXT =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;
// A terminal's colours, cursor moves and titles: without their ESC the rest of them would stay as litter. None that
// unseen.ts does not know: a secret's halves around it would be whole again. There 4096 bytes are the limit, here characters.
const TERMINAL_SEQUENCE = /\u001b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]|\][^\u0007\u001b]{0,1000}(?:\u0007|\u001b\\))/g;
const LINE_END = /\r\n?|[\u0085\u2028\u2029]/g;

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** A title: one line that prints as it reads. */
export function parseTitle(text: string): Parsed<string> {
  const title = text.trim();
  if (title === '') return fail('title: is empty; give one line that says what to do');
  if (/[\r\n]/.test(title)) return fail('title: has more than one line; put the rest in the body (--file notes.md)');
  if (title.startsWith('-')) return fail(`title: ${quote(title)} begins with a dash; begin it with a word`);
  if (UNPRINTABLE.test(title)) {
    return fail(`title: ${quote(title)} has control or text-direction characters; remove them`);
  }
  if (!VISIBLE.test(title))
    return fail(`title: ${quote(title)} has nothing to read; give one line that says what to do`);
  if (title.length > MAX_TITLE_CHARS) {
    return fail(
      `title: is ${title.length} characters, the limit is ${MAX_TITLE_CHARS}; put the rest in the body (--file notes.md)`,
    );
  }
  return ok(title);
}

/** A body: any text up to 64 KiB. */
export function parseBody(text: string): Parsed<string> {
  const bytes = byteLength(text);
  if (bytes > MAX_BODY_BYTES) {
    return fail(
      `body: is ${bytes} bytes, the limit is ${MAX_BODY_BYTES}; put long material into a file of the repository and name it`,
    );
  }
  if (text.includes('\0')) return fail('body: has a NUL byte; give a text file');
  return ok(text);
}

/** An answer: some text, up to 64 KiB. */
export function parseAnswer(text: string): Parsed<string> {
  return parseWords('answer', text, 'say something, even "no"');
}

/** A shell command: some text up to 16 KiB. */
export function parseCommand(text: string): Parsed<string> {
  if (text.trim() === '') return fail('run: is empty; give a shell command');
  if (text.includes('\0')) return fail('run: has a NUL byte; give a shell command');
  const bytes = byteLength(text);
  if (bytes > MAX_COMMAND_BYTES)
    return fail(`run: is ${bytes} bytes, the limit is ${MAX_COMMAND_BYTES}; put it into a script of the repository`);
  return ok(text);
}

/**
 * Text from outside, made safe to print on a terminal: control and direction characters and a terminal's sequences are
 * taken out, halves of characters are replaced, lines stay.
 */
export function printable(text: string): string {
  return text
    .replace(TERMINAL_SEQUENCE, '')
    .replace(LINE_END, '\n')
    .replace(UNPRINTABLE_IN_TEXT, '')
    .replace(/\p{Cs}/gu, '\ufffd');
}

/** The first line of a text that has something in it, made safe to print, at most so many characters. */
export function oneLine(text: string, maxChars: number = MAX_TITLE_CHARS): string {
  const line =
    printable(text)
      .split('\n')
      .map((part) => part.trim())
      .find((part) => part !== '') ?? '';
  if (line.length <= maxChars) return line;
  // A character that the cut would halve is left out.
  return `${line.slice(0, maxChars - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

const HEAD_MARK = '\n[…]';

/** The first part of a text, at most so many characters, with a mark where it was cut. */
export function headOf(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  return `${text.slice(0, maxChars - HEAD_MARK.length).replace(/[\ud800-\udbff]$/, '')}${HEAD_MARK}`;
}

/** Whether a text is what {@link headOf} left of a longer one. */
export function isHead(text: string, maxChars: number): boolean {
  return text.length >= maxChars - 1 && text.endsWith(HEAD_MARK);
}

/** What a person writes: some text, up to 64 KiB, named in the error as what it is. */
export function parseWords(name: string, text: string, empty: string): Parsed<string> {
  const words = printable(text);
  if (!VISIBLE.test(words)) return fail(`${name}: is empty; ${empty}`);
  const bytes = byteLength(text);
  if (bytes > MAX_ANSWER_BYTES) return fail(`${name}: is ${bytes} bytes, the limit is ${MAX_ANSWER_BYTES}; shorten it`);
  return ok(words);
}

/** Whether a value from outside is an object with fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
