/** What one row may hold. Longer texts are cut where it shows, never refused: the record must go on. */

import { tailOf } from '../core/failure.ts';
import { byteLength } from '../core/text.ts';
import { cleanJson } from './database.ts';

/** An answer or an edited text at its limit of 64 KiB is kept whole, also when every character of it has to be escaped. */
export const MAX_EVENT_BYTES = 160 * 1024;
export const MAX_VIEW_BYTES = 128 * 1024;
export const MAX_ARTIFACT_BYTES = 256 * 1024;

/** A value as JSON of at most so many bytes: its longest strings are cut to their ends, the most telling part of evidence. */
export function boundedJson(value: unknown, maxBytes: number): string {
  let json = cleanJson(value);
  // Halving from the bound itself ends after some 16 rounds, with every string at a character or so.
  for (let longest = maxBytes; byteLength(json) > maxBytes && longest > 1; longest = Math.floor(longest / 2)) {
    json = cleanJson(cutStrings(value, longest));
  }
  return json;
}

function cutStrings(value: unknown, maxChars: number): unknown {
  if (typeof value === 'string') return tailOf(value, maxChars);
  if (Array.isArray(value)) return value.map((part) => cutStrings(part, maxChars));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cutStrings(part, maxChars)]));
}

/** The beginning of a text, at most so many bytes of UTF-8, ending at a whole character. */
export function headOf(text: string, maxBytes: number): string {
  const bytes = Buffer.from(text, 'utf8');
  return bytes.length <= maxBytes ? text : bytes.toString('utf8', 0, wholeCharacters(bytes, 0, maxBytes));
}

/**
 * Where to cut bytes so that no character of UTF-8 is torn: `end`, or up to three bytes before it. Bytes that are no
 * UTF-8 are cut at `end`.
 */
export function wholeCharacters(bytes: Uint8Array, start: number, end: number): number {
  for (let back = 1; back <= 4 && end - back >= start; back += 1) {
    const byte = bytes[end - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 && byte < 0xf8 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back && byte < 0xf8 ? end - back : end;
  }
  return end;
}
