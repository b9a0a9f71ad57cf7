/** Hosts as text. Pure. */

import type { HostState, HostView, Slots } from '../../core/hosts.ts';
import type { WorkspacesReport } from '../../core/relief.ts';
import { oneLine } from '../../core/text.ts';
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
    { text: slotsText(host.agents) },
    { text: slotsText(host.gates) },
    { text: host.seenMsAgo === null ? '-' : `${host.load.toFixed(1)} of ${host.cores}` },
    { text: host.seenMsAgo === null ? '-' : bytesText(host.freeBytes) },
    { text: workspacesText(host.workspaces) },
    { text: host.seenMsAgo === null ? 'never' : `${duration(host.seenMsAgo)} ago`, paint: palette.dim },
    { text: oneLine(versionsText(host), 60) },
    { text: host.labels.join(',') },
  ]);
  return table([HEADING.map((text): Cell => ({ text, paint: palette.dim })), ...rows], columns);
}

function stateText({ state, drained, workers }: HostView): string {
  const drain = drained !== null && state !== 'drained' && state !== 'draining' ? ', drained' : '';
  return `${state}${drain}${workers > 1 ? ` (${workers} workers)` : ''}`;
}

/** A build is called by its version and a hash, unless somebody has named it. */
function versionsText({ versions, builds }: HostView): string {
  const named = builds.filter((build) => !versions.some((version) => build.startsWith(version)));
  const own = builds.filter((build) => !named.includes(build));
  const bare = versions.filter((version) => !own.some((build) => build.startsWith(version)));
  return [...own, ...bare, ...named.map((build) => `(${build})`)].join(' ');
}

function slotsText({ used, total }: Slots): string {
  return `${used}/${total}`;
}

function workspacesText(workspaces: WorkspacesReport | null): string {
  if (workspaces === null) return '-';
  const { count, bytes, hibernated } = workspaces;
  const size = bytes === null ? '' : ` (${bytesText(bytes)})`;
  return `${count}${size}${hibernated === 0 ? '' : `, ${hibernated} hibernated`}`;
}

function bytesText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 10 ? `${Math.round(gib)} GiB` : gib >= 1 ? `${gib.toFixed(1)} GiB` : `${Math.round(gib * 1024)} MiB`;
}

function paintOf(state: HostState, palette: Palette): (text: string) => string {
  switch (state) {
    case 'up':
      return palette.green;
    case 'draining':
    case 'drained':
      return palette.yellow;
    case 'silent':
      return palette.red;
    case 'stopped':
      return palette.dim;
  }
}
