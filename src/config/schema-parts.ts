/** What the schemas of configuration are made of: texts that core's parsers check, durations, counts, commands. */

import { z } from 'zod';
import { parseDuration } from '../core/duration.ts';
import type { Parsed } from '../core/parsed.ts';
import { parseCommand } from '../core/text.ts';
import { must } from './explain.ts';

/** A check by one of core's parsers, whose message is the error's, without the key that it may begin with. */
export function by<T>(parse: (text: string) => Parsed<T>): (text: string, context: z.RefinementCtx<string>) => void {
  return (text, context) => {
    const parsed = parse(text);
    if (parsed.kind === 'ok') return;
    context.addIssue({ code: 'custom', message: parsed.message.replace(/^(?:project|branch|run): /, '') });
  };
}

/** A span of time with what it means, and what it is when left out. */
export const duration = (what: string, initial: string, leastMs?: number): z.ZodOptional<z.ZodString> =>
  z
    .string({ error: must('a duration', initial) })
    .superRefine(by((text) => parseDuration(text, leastMs)))
    .meta({
      description: `${what} A number and s, m, h or d; ${initial} when left out.`,
      examples: [initial],
      pattern: '^(\\d{1,6}[smhd])+$',
    })
    .optional();

/** A whole number within bounds. */
export const count = (what: string, least: number, most: number, initial: number): z.ZodOptional<z.ZodInt> =>
  z
    .int({ error: must(`a whole number from ${least} to ${most}`, String(initial)) })
    .min(least, { error: must(`a whole number from ${least} to ${most}`, String(initial)) })
    .max(most, { error: must(`a whole number from ${least} to ${most}`, String(initial)) })
    .meta({ description: `${what} ${initial} when left out.`, examples: [initial] })
    .optional();

export const shellCommand = (example: string): z.ZodString =>
  z.string({ error: must('a shell command', example) }).superRefine(by(parseCommand));
