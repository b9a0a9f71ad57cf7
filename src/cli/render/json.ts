/** What a program reads, and a person may see on a terminal. */

/** What JSON lets stand as it is, and a terminal takes for a command or for another direction of the text. */
const UNSAFE = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** A value as one line of JSON, in which nothing of it steers a terminal: whoever reads it gets the very same value. */
export function jsonLine(value: unknown): string {
  const json = JSON.stringify(value);
  return `${json.replaceAll(UNSAFE, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)}\n`;
}
