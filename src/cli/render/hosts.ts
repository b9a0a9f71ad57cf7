/** Hosts as text. Pure. */

import type { HostState, HostView, Slots } from '../../core/hosts.ts';
import type { WorkspacesReport } from '../../core/relief.ts';
import { oneLine } from '../../core/text.ts';
import type { Column } from './columns.ts';
import type { Palette } from './palette.ts';
import { table, type Cell } from './table.ts';
import type { Screen } from './tasks.ts';
import { duration } from './time.ts';

const HEADING = ['HOST', 'STATE', 'AGENTS', 'GATES', 'LOAD', 'FREE', 'WORKSPACES', 'SEEN', 'VERSION', 'LABELS'];

/** One line a host, with a heading. */
export function renderHosts(hosts: readonly HostView[], { palette, columns }: Screen): string[] {
  const rows = hosts.map((host): Cell[] => [
    { text: host.id },
    { text: stateText(host), paint: paintOf(host.state, palette) },
    { text: slotsText(host, host.agents) },
    { text: slotsText(host, host.gates) },
    { text: host.seenMsAgo === null ? '-' : `${host.load.toFixed(1)} of ${host.cores}` },
    { text: host.seenMsAgo === null ? '-' : bytesText(host.freeBytes) },
    { text: workspacesText(host.workspaces) },
    { text: seenText(host.seenMsAgo), paint: palette.dim },
    { text: oneLine(versionsText(host), 60) },
    { text: host.labels.join(',') },
  ]);
  return table([HEADING.map((text): Cell => ({ text, paint: palette.dim })), ...rows], columns, LAYOUT);
}

/** What a narrow terminal has no room for is in `--json`. */
const LAYOUT: readonly Column[] = [
  { min: 10 },
  { min: 10 },
  {},
  { drop: 1 },
  { drop: 4 },
  { drop: 3 },
  { drop: 6 },
  { drop: 2 },
  { drop: 7 },
  { first: true, min: 10, drop: 5 },
];

function seenText(seenMsAgo: number | null): string {
  return seenMsAgo === null ? 'never' : `${duration(seenMsAgo)} ago`;
}

function stateText({ state, drained, workers, late, seenMsAgo }: HostView): string {
  const drain = drained !== null && state !== 'drained' && state !== 'draining' ? ', drained' : '';
  // Not as a number in a column far off: whoever was killed a moment ago must not be taken for alive.
  if (state === 'late') return `no sign of life for ${duration(seenMsAgo ?? 0)}${drain}`;
  const gone = late === 0 ? [] : [`${late} more ${late === 1 ? 'gives' : 'give'} no sign of life`];
  const many = workers > 1 ? [`${workers} workers`] : [];
  const beside = [...many, ...gone];
  return `${state}${drain}${beside.length === 0 ? '' : ` (${beside.join(', ')})`}`;
}

/** A build is called by its version and a hash, unless somebody has named it. */
function versionsText({ versions, builds }: HostView): string {
  const named = builds.filter((build) => !versions.some((version) => build.startsWith(version)));
  const own = builds.filter((build) => !named.includes(build));
  const bare = versions.filter((version) => !own.some((build) => build.startsWith(version)));
  return [...own, ...bare, ...named.map((build) => `(${build})`)].join(' ');
}

/** Nobody offers slots on a host of which nobody is heard. */
function slotsText({ workers }: HostView, { used, total }: Slots): string {
  return workers === 0 ? '-' : `${used}/${total}`;
}

function workspacesText(workspaces: WorkspacesReport | null): string {
  if (workspaces === null) return '-';
  const { count, bytes, hibernated } = workspaces;
  const size = bytes === null ? '' : ` (${bytesText(bytes)})`;
  return `${count}${size}${hibernated === 0 ? '' : `, ${hibernated} hibernated`}`;
}

export function bytesText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 10 ? `${Math.round(gib)} GiB` : gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.round(gib * 1024)} MiB`;
}

function paintOf(state: HostState, palette: Palette): (text: string) => string {
  switch (state) {
    case 'up':
      return palette.green;
    case 'late':
    case 'draining':
    case 'drained':
      return palette.yellow;
    case 'silent':
      return palette.red;
    case 'stopped':
      return palette.dim;
  }
}
