/** Amounts of memory and disk as people write them in configuration: `512MiB`, `8GiB`, `20GB`. */

import { quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';

const UNITS: Readonly<Record<string, number>> = {
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
};
const SIZE = /^(\d{1,6})([MGT]i?B)$/;

/** Bytes. */
export function parseSize(text: string): Parsed<number> {
  const [, count = '', unit = ''] = SIZE.exec(text) ?? [];
  const bytes = Number(count) * (UNITS[unit] ?? 0);
  return bytes > 0 ? ok(bytes) : fail(`${quote(text)} is no size; write one such as 512MiB or 8GiB`);
}
