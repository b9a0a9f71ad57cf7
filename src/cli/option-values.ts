/** The values that options take, checked before anything is loaded. */

import { parseDuration } from '../core/duration.ts';
import { quote } from '../core/ids.ts';
import { UsageError } from './errors.ts';

const A_YEAR_MS = 366 * 86_400_000;

/** A whole number from 1 on. */
export function count(option: string): (text: string) => number {
  return (text) => {
    if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
    throw new UsageError(`${option}: ${quote(text)} does not do; give a whole number from 1 on`);
  };
}

/** A duration, in milliseconds. */
export function milliseconds(option: string): (text: string) => number {
  return (text) => {
    const ms = parseDuration(text, 1_000, A_YEAR_MS);
    if (ms.kind === 'ok') return ms.value;
    throw new UsageError(`${option}: ${ms.message}`);
  };
}

/** A TCP port; 0 is any. */
export function port(option: string): (text: string) => number {
  return (text) => {
    if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
    throw new UsageError(`${option}: ${quote(text)} does not do; give a port from 0 to 65535`);
  };
}
