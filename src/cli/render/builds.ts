/** Builds as text. Pure. */

import { buildName, UNVERSIONED } from '../../core/builds.ts';
import { oneLine } from '../../core/text.ts';
import type { Builds } from '../../local/temporal-builds.ts';
import { table, type Cell } from './table.ts';
import type { Screen } from './tasks.ts';

/** One line a build, with a heading; the workers without versioning too, where there are any. */
export function renderBuilds({ current, polling, builds }: Builds, { palette, columns }: Screen): string[] {
  const others = current === UNVERSIONED || polling.includes(UNVERSIONED);
  const all = [
    ...builds,
    ...(others ? [{ id: UNVERSIONED, isPolling: polling.includes(UNVERSIONED), drainage: null }] : []),
  ];
  const heading = ['BUILD', 'STATE', 'WORKERS'].map((text): Cell => ({ text, paint: palette.dim }));
  const rows = all.map(({ id, isPolling, drainage }): Cell[] => [
    { text: oneLine(buildName(id), 100) },
    id === current ? { text: 'current', paint: palette.green } : { text: drainage ?? 'idle', paint: palette.dim },
    { text: isPolling ? 'poll' : 'none', ...(isPolling || id !== current ? {} : { paint: palette.red }) },
  ]);
  return table([heading, ...rows], columns);
}
