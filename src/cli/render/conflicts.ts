/** What the conflict radar has seen, as text. Pure. */

import type { RadarReport } from '../../core/radar.ts';
import { oneLine } from '../../core/text.ts';
import { table, type Cell } from './table.ts';
import type { Screen } from './tasks.ts';
import { ago } from './time.ts';

const MAX_FILES_CHARS = 200;

export function renderConflicts(report: RadarReport, screen: Screen): string[] {
  const { palette, nowMs, columns } = screen;
  const { withMain, overlaps, main } = report;
  if (withMain.length + overlaps.length === 0) return [];
  const looked = palette.dim(`  ${report.looked} looked at on ${main.slice(0, 12)}, ${ago(report.at, nowMs)}`);
  const lines = [`${palette.bold(report.project)} ${report.branch}${looked}`];
  const conflicting = withMain.flatMap(({ id, title, files, landed }): Cell[][] => [
    [
      { text: `  ${id}` },
      { text: 'conflicts with main', paint: palette.red },
      { text: `${oneLine(title)} — ${named(files)}` },
    ],
    ...landed.map(({ commit, title: what }): Cell[] => [
      { text: '' },
      { text: '  landed', paint: palette.dim },
      { text: `${commit.slice(0, 12)} ${oneLine(what)}` },
    ]),
  ]);
  const sharing = overlaps.map(({ tasks: [one, other], files, conflict }): Cell[] => [
    { text: `  ${one.id}` },
    conflict === true
      ? { text: `conflicts with ${other.id}`, paint: palette.yellow }
      : { text: `touches files of ${other.id}`, paint: palette.dim },
    { text: `${oneLine(one.title, 80)} / ${oneLine(other.title, 80)} — ${named(files)}` },
  ]);
  return [...lines, ...table([...conflicting, ...sharing], columns)];
}

function named(files: readonly string[]): string {
  return oneLine(files.join(', '), MAX_FILES_CHARS);
}
