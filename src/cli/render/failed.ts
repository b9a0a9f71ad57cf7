/** Tasks that failed, as text. Pure. */

import { deadLetterOf } from '../../core/dead-letters.ts';
import type { TaskView } from '../../core/task-types.ts';
import { oneLine } from '../../core/text.ts';
import type { Column } from './columns.ts';
import { table, titled, type Cell } from './table.ts';
import { paintState, type Screen } from './tasks.ts';
import { ago } from './time.ts';

/** One line a task, as they come, with a heading; the failure behind its title. */
export function renderFailed(views: readonly TaskView[], screen: Screen): string[] {
  const { palette } = screen;
  const heading = ['ID', 'WAITS', 'PHASE', 'ATTEMPT', 'PROJECT', 'SINCE', 'TITLE'];
  const rows = views.map((view): Cell[] => [
    { text: view.id },
    { text: deadLetterOf(view) === 'ended' ? 'ended' : 'waits', paint: paintState(view.state, palette) },
    { text: view.phase ?? '-' },
    { text: String(view.attempt) },
    { text: view.project },
    { text: ago(view.endedAt ?? view.waitingFor?.since ?? view.createdAt, screen.nowMs), paint: palette.dim },
    titled(oneLine(view.title, 80), whyOf(view)),
  ]);
  return table([heading.map((text): Cell => ({ text, paint: palette.dim })), ...rows], screen.columns, LAYOUT);
}

const LAYOUT: readonly Column[] = [
  {},
  {},
  { drop: 3 },
  { drop: 4 },
  { drop: 1 },
  { drop: 2 },
  { first: true, min: 20 },
];

function whyOf({ failure, waitingFor }: TaskView): string {
  if (failure === null) return oneLine(waitingFor?.text ?? 'it is not known why', 300);
  return `${failure.kind}: ${oneLine(failure.message, 300)}`;
}
