/** Spans of time as people write them, in configuration and on the command line: `90s`, `45m`, `1h30m`, `2d`. */

import { quote } from './ids.ts';
import { fail, ok, type Parsed } from './parsed.ts';

const DAY_MS = 86_400_000;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: DAY_MS } as const;
const DURATION = /^(?:\d{1,6}[smhd])+$/;

const MIN_DURATION_MS = 1_000;
/** Timers count milliseconds in 31 bits: 24.8 days. */
export const MAX_DURATION_MS = 20 * DAY_MS;

/** Milliseconds, from one second to twenty days, or between what else is the least and the most. */
export function parseDuration(text: string, leastMs = MIN_DURATION_MS, mostMs = MAX_DURATION_MS): Parsed<number> {
  if (!DURATION.test(text)) return fail(`${quote(text)} is no duration; write one such as 90s, 45m, 1h30m or 2d`);
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g))
    ms += Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms >= leastMs && ms <= mostMs
    ? ok(ms)
    : fail(`${quote(text)} is out of range; give something from ${leastMs / 1_000}s to ${mostMs / DAY_MS}d`);
}
