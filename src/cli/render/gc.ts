/** What `tasks gc` has found, and what became of it, as text. Pure. */

import type { Verdict } from '../../core/gc.ts';
import type { TaskId } from '../../core/ids.ts';
import { oneLine } from '../../core/text.ts';
import { table, type Cell } from './table.ts';
import type { Screen } from './tasks.ts';

export interface Collected extends Verdict {
  readonly kind: string;
  readonly name: string;
  readonly task: TaskId | null;
  /** What of this host's disk goes with it; null of what stays, and of what is not on its disk. */
  readonly bytes: number | null;
  /** False too when it was to go and is needed again by now, or somebody has it. */
  readonly removed: boolean;
  /** Why it could not be removed. */
  readonly failure: string | null;
}

/** One line each, what goes first, and one that sums it up. */
export function renderGc(collected: readonly Collected[], dryRun: boolean, { palette, columns }: Screen): string[] {
  if (collected.length === 0) return ['nothing is here'];
  const order = [...collected.filter(goes), ...collected.filter((one) => !goes(one))];
  const rows = order.map((one): Cell[] => [
    { text: fate(one, dryRun), paint: one.failure !== null ? palette.red : goes(one) ? palette.yellow : palette.dim },
    { text: one.kind },
    { text: one.name },
    { text: one.bytes === null ? '-' : bytesText(one.bytes) },
    { text: oneLine(one.failure ?? one.why, 200) },
  ]);
  const going = collected.filter(goes);
  const removed = collected.filter((one) => one.removed).length;
  const sum = (of: readonly Collected[]): string => bytesText(of.reduce((all, { bytes }) => all + (bytes ?? 0), 0));
  const summary = dryRun
    ? `${going.length} would be removed (${sum(going)}), ${collected.length - going.length} kept`
    : `${removed} removed (${sum(collected.filter((one) => one.removed))}), ${collected.length - removed} kept`;
  return [...table(rows, columns), '', summary];
}

function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [size, unit] =
    bytes < 1024 ** 2
      ? [bytes / 1024, 'KiB']
      : bytes < 1024 ** 3
        ? [bytes / 1024 ** 2, 'MiB']
        : [bytes / 1024 ** 3, 'GiB'];
  return `${size < 10 ? size.toFixed(1) : Math.round(size)} ${unit}`;
}

function goes({ verdict }: Collected): boolean {
  return verdict === 'remove';
}

function fate(one: Collected, dryRun: boolean): string {
  if (one.failure !== null) return 'failed';
  if (!goes(one)) return 'kept';
  if (dryRun) return 'remove';
  return one.removed ? 'removed' : 'in use';
}
