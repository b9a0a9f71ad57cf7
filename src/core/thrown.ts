/** What can be told of something that was thrown. By its shape, since an error may come from another realm. */

import { oneLine } from './text.ts';

const MAX_SAID_CHARS = 300;

/** Its message, with its cause's. */
export function messageOf(error: unknown): string {
  const message = textAt(error, 'message');
  if (message === null) return String(error);
  const cause = typeof error === 'object' && error !== null && 'cause' in error ? textAt(error.cause, 'message') : null;
  return cause === null || cause === '' ? message : `${message} (${cause})`;
}

/** The code of a system's error, such as `ENOENT`. */
export function codeOf(error: unknown): string | null {
  return textAt(error, 'code');
}

/** The first line that a program that failed has said of it, without its command line; null when it has said nothing. */
export function saidBy(error: unknown): string | null {
  const said = oneLine(textAt(error, 'stderr') ?? '', MAX_SAID_CHARS);
  return said === '' ? null : said;
}

function textAt(value: unknown, name: 'message' | 'code' | 'stderr'): string | null {
  if (typeof value !== 'object' || value === null || !(name in value)) return null;
  const found = (value as Readonly<Record<string, unknown>>)[name];
  return typeof found === 'string' ? found : null;
}
