/** A landing queue as text. Pure. */

import type { QueueView } from '../../core/queue-types.ts';
import { oneLine } from '../../core/text.ts';
import type { Screen } from './tasks.ts';
import { table, type Cell } from './table.ts';
import { ago } from './time.ts';

export type ShownQueue = QueueView & { readonly from: 'workflow' | 'ledger' };

export function renderQueue(shown: ShownQueue, screen: Screen): string[] {
  const { palette } = screen;
  const landed = shown.from === 'workflow' ? palette.dim(`  ${shown.landed} landed`) : '';
  const head = `${palette.bold(shown.project)} ${shown.branch}${landed}`;
  const lines = [head];
  if (shown.stopped !== null) lines.push(palette.red(`  stopped: ${oneLine(shown.stopped, 500)}`));
  if (shown.rows.length === 0) return [...lines, palette.dim('  nothing waits')];
  const rows = shown.rows.map((row): Cell[] => [
    { text: `  ${row.position}` },
    { text: row.id },
    { text: row.state, paint: row.state === 'held' ? palette.yellow : palette.cyan },
    { text: ago(row.since, screen.nowMs), paint: palette.dim },
    { text: `${oneLine(row.title ?? '')}${row.waitingFor === null ? '' : ` — ${oneLine(row.waitingFor, 200)}`}` },
  ]);
  return [...lines, ...table(rows, screen.columns)];
}
