/** Disks that are full, or nearly so, as text. Pure. */

import type { ShortDisk } from '../short-disks.ts';
import { bytesText } from './hosts.ts';
import type { Palette } from './palette.ts';

const SHOWN = 3;
/** What is red in doctor, too. */
const TOO_LITTLE_BYTES = 512 * 1024 ** 2;

/** One line a host; of many the first ones. */
export function shortDiskLines(disks: readonly ShortDisk[], palette: Palette): string[] {
  const lines = disks.slice(0, SHOWN).map(({ host, freeBytes }) => {
    const paint = freeBytes < TOO_LITTLE_BYTES ? palette.red : palette.yellow;
    const left = paint(`${host ?? 'this machine'} has ${bytesText(freeBytes)} left`);
    return `disk       ${left}; make room there (tasks gc is a start), or put its TASKS_HOME on a larger disk`;
  });
  const more = disks.length - lines.length;
  return more === 0 ? lines : [...lines, `disk       and ${more} more: tasks hosts`];
}
