/** A landing queue as text. Pure. */

import { resumeCommand } from '../../core/queue.ts';
import type { QueueRow, QueueView } from '../../core/queue-types.ts';
import { oneLine } from '../../core/text.ts';
import type { FlakeRow } from '../../ledger/flakes.ts';
import type { Screen } from './tasks.ts';
import type { Column } from './columns.ts';
import { table, titled, type Cell } from './table.ts';
import { ago, duration } from './time.ts';

const MAX_EVIDENCE_LINES = 12;
const OVERDUE_MS = 60_000;

export type ShownQueue = QueueView & { readonly from: 'workflow' | 'ledger' };

export function renderQueue(shown: ShownQueue, screen: Screen): string[] {
  const { palette } = screen;
  const lines = [`${palette.bold(shown.project)} ${shown.branch}${palette.dim(factsOf(shown))}`];
  if (shown.stopped !== null) lines.push(palette.red(`  stopped: ${oneLine(shown.stopped, 500)}`));
  lines.push(...evidenceOf(shown, screen));
  for (const alarm of shown.alarms) lines.push(palette.yellow(`  look: ${oneLine(alarm, 200)}`));
  if (shown.rows.length === 0) return [...lines, palette.dim('  nothing waits')];
  const rows = shown.rows.map((row): Cell[] => [
    { text: `  ${row.position}` },
    { text: row.id },
    { text: row.state, paint: paintOf(row, screen) },
    { text: ago(row.since, screen.nowMs), paint: palette.dim },
    textOf(row, screen),
  ]);
  const more = shown.more === 0 ? [] : [palette.dim(`  and ${shown.more} more`)];
  return [...lines, ...table(rows, screen.columns, LAYOUT), ...more];
}

const LAYOUT: readonly Column[] = [{}, {}, { min: 6 }, { drop: 1 }, { first: true, min: 26 }];

/** What is to be mended on main, and how. */
function evidenceOf(shown: ShownQueue, { palette, nowMs }: Screen): readonly string[] {
  const { evidence } = shown;
  if (evidence === null) return [];
  const end = evidence.trimEnd();
  const printed = end === '' ? [] : end.split('\n').slice(-MAX_EVIDENCE_LINES);
  const mend = '  mend it by a commit of your own on main, or by: tasks submit --priority hotfix "…"';
  const again = againText(shown, nowMs);
  return [
    ...printed.map((line) => palette.dim(`    ${oneLine(line, 200)}`)),
    mend,
    ...(again === null ? [] : [`  main is gated again ${again}`]),
  ];
}

/** What is wrong may lie elsewhere than on main: who has mended that waits for this, or says so. */
function againText({ againAt, atRest, project }: ShownQueue, nowMs: number): string | null {
  if (againAt === undefined) return null;
  const asked = `within a minute of a new commit, and at once by: ${resumeCommand(project)}`;
  if (atRest === true) return `when a task is to land (none is now), ${asked}`;
  if (againAt === null) return 'just now';
  const ms = Date.parse(againAt) - nowMs;
  return `by itself ${ms < 1_000 ? 'any moment' : `in about ${duration(ms)}`}, ${asked}`;
}

function factsOf({ from, landed, window, flakes }: ShownQueue): string {
  if (from !== 'workflow') return '';
  const wide = window > 1 ? `, ${window} at a time` : '';
  const flaky = flakes === 0 ? '' : `, ${flakes} flaked`;
  return `  ${landed} landed${wide}${flaky}`;
}

function paintOf({ state }: QueueRow, { palette }: Screen): (text: string) => string {
  if (state === 'held') return palette.yellow;
  if (state === 'failing') return palette.red;
  return state === 'green' || state === 'landing' ? palette.green : palette.cyan;
}

function textOf({ title, priority, waitingFor, estimate }: QueueRow, { nowMs }: Screen): Cell {
  const named = oneLine(title ?? '');
  const classed = priority === 'normal' ? named : `[${priority}] ${named}`;
  if (waitingFor !== null) return titled(classed, oneLine(waitingFor, 200));
  return estimate === null ? { text: classed } : titled(classed, whenText(Date.parse(estimate) - nowMs));
}

/** An estimate that is over says nothing of a number of seconds; one that is long over was wrong. */
function whenText(ms: number): string {
  if (ms >= 1_000) return `in about ${duration(ms)}`;
  return ms > -OVERDUE_MS ? 'any moment' : `takes longer than others did (by ${duration(-ms)})`;
}

/** The most frequent first. */
export function renderFlakes(flakes: readonly FlakeRow[], screen: Screen): string[] {
  const rows = flakes.map(({ project, test, flakes: times, runs, rate, lastAt }): Cell[] => [
    { text: project },
    { text: `${times} of ${runs}` },
    { text: `${(rate * 100).toFixed(1)} %`, paint: screen.palette.yellow },
    { text: ago(lastAt, screen.nowMs), paint: screen.palette.dim },
    { text: oneLine(test, 200) },
  ]);
  return table(rows, screen.columns);
}
