/** Spans of time as people write them in configuration: `90s`, `45m`, `1h30m`, `2d`. */

import { quote } from './ids.ts';
import { fail, ok, type Parsed } from './parsed.ts';

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(?:\d{1,6}[smhd])+$/;

const MIN_DURATION_MS = 1_000;
/** Timers count milliseconds in 31 bits: 24.8 days. */
export const MAX_DURATION_MS = 20 * 86_400_000;

/** Milliseconds, from one second, or from what else is the least, to twenty days. */
export function parseDuration(text: string, leastMs = MIN_DURATION_MS): Parsed<number> {
  if (!DURATION.test(text)) return fail(`${quote(text)} is no duration; write one such as 90s, 45m, 1h30m or 2d`);
  let ms = 0;
  for (const [, count, unit] of text.matchAll(/(\d+)([smhd])/g))
    ms += Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return ms >= leastMs && ms <= MAX_DURATION_MS
    ? ok(ms)
    : fail(`${quote(text)} is out of range; give something from ${leastMs / 1_000}s to 20d`);
}
