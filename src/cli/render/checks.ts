/** What `tasks doctor` found, as text. Pure. */

import type { Palette } from './palette.ts';
import { oneLine } from '../../core/text.ts';

export interface Check {
  readonly name: string;
  readonly verdict: 'ok' | 'warn' | 'fail';
  /** One line: what was found. */
  readonly found: string;
  /** One line: what to do; null when all is well. */
  readonly fix: string | null;
}

export const fine = (name: string, found: string): Check => ({ name, verdict: 'ok', found, fix: null });
export const warn = (name: string, found: string, fix: string): Check => ({ name, verdict: 'warn', found, fix });
export const bad = (name: string, found: string, fix: string): Check => ({ name, verdict: 'fail', found, fix });

export function renderChecks(checks: readonly Check[], palette: Palette): string[] {
  const width = Math.max(0, ...checks.map(({ name }) => name.length));
  const marks = { ok: palette.green('ok  '), warn: palette.yellow('warn'), fail: palette.red('FAIL') };
  const lines = checks.flatMap(({ name, verdict, found, fix }) => [
    `${marks[verdict]}  ${name.padEnd(width)}  ${oneLine(found, 500)}`,
    ...(fix === null ? [] : [`      ${' '.repeat(width)}  ${palette.dim('→')} ${oneLine(fix, 500)}`]),
  ]);
  const failed = checks.filter(({ verdict }) => verdict === 'fail').length;
  const warned = checks.filter(({ verdict }) => verdict === 'warn').length;
  const end = failed > 0 ? palette.red(`${failed} failed`) : palette.green('all is well');
  return [...lines, '', `${end}${warned > 0 ? `, ${warned} to look at` : ''}`];
}
