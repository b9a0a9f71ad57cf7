/** How far a running phase is: what it is at, and of how much, where something says so. It travels with heartbeats. */

import { isRecord, oneLine } from './text.ts';

export interface Progress {
  /** One line. */
  readonly text: string;
  /** From 0 to 100; null: nobody says. */
  readonly percent: number | null;
}

/** A heartbeat that is not answered in time is kept in the history with all that it said. */
const MAX_TEXT_CHARS = 200;

/** Of a text that may be long, and a share that may be none. */
export function progressOf(text: string, percent: number | null = null): Progress {
  const whole = percent === null || !Number.isFinite(percent) ? null : Math.round(Math.min(100, Math.max(0, percent)));
  return { text: oneLine(text, MAX_TEXT_CHARS), percent: whole };
}

/** `[ 45%] Building`, `45% of …`, `[12/40] Compiling`: at the beginning of a line, as build tools have it. */
const SHARE =
  /^\s*(?:\[\s*(\d{1,3})(?:\.\d+)?\s?%\s*\]|(\d{1,3})(?:\.\d+)?\s?%(?:\s|$)|\[\s*(\d{1,6})\/(\d{1,6})\s*\])/;

/** What a line of any program's output says; null when it says nothing. */
export function progressOfLine(line: string): Progress | null {
  // A bar is drawn over and over in one line.
  const last = line.split('\r').findLast((part) => part.trim() !== '') ?? '';
  const text = oneLine(last, MAX_TEXT_CHARS);
  if (text === '') return null;
  const [, inBrackets, bare, done, all] = SHARE.exec(text) ?? [];
  const share = inBrackets ?? bare;
  if (share !== undefined) return progressOf(text, Number(share));
  return progressOf(text, done === undefined || Number(all) === 0 ? null : (100 * Number(done)) / Number(all));
}

/** What came with a heartbeat; null when it is none of this version's. */
export function parseProgress(value: unknown): Progress | null {
  if (!isRecord(value) || typeof value['text'] !== 'string') return null;
  const { percent } = value;
  return progressOf(value['text'], typeof percent === 'number' ? percent : null);
}

/** `40 %, Bash: npm test` */
export function progressText({ text, percent }: Progress): string {
  return percent === null ? text : `${percent} %, ${text}`;
}
