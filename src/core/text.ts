/** The limits and hygiene of what people write. */

import { quote } from './ids.ts';
import { fail, ok, type Parsed } from './parsed.ts';

export const MAX_TITLE_CHARS = 200;
export const MAX_BODY_BYTES = 64 * 1024;
export const MAX_ANSWER_BYTES = 64 * 1024;
export const MAX_COMMAND_BYTES = 16 * 1024;

// Control characters, and those that change the direction of what stands around them (they can make a line read as another).
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const UNPRINTABLE_IN_TEXT =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

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
  if (text.trim() === '') return fail('answer: is empty; say something, even "no"');
  const bytes = byteLength(text);
  if (bytes > MAX_ANSWER_BYTES) return fail(`answer: is ${bytes} bytes, the limit is ${MAX_ANSWER_BYTES}; shorten it`);
  return ok(printable(text));
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

/** Text from outside, made safe to print on a terminal: control and direction characters are taken out, lines stay. */
export function printable(text: string): string {
  return text.replace(/\r\n?/g, '\n').replace(UNPRINTABLE_IN_TEXT, '');
}

/** The first line of a text, made safe to print, at most so many characters. */
export function oneLine(text: string, maxChars: number = MAX_TITLE_CHARS): string {
  const line =
    printable(text)
      .split('\n')
      .map((part) => part.trim())
      .find((part) => part !== '') ?? '';
  return line.length > maxChars ? `${line.slice(0, maxChars - 1)}…` : line;
}
