/**
 * Linux's control groups, as far as this process may make some: one for all trees of a worker, and below it one for each.
 *
 * Kept true: no tree leaves what the worker itself is held to by memory, since its groups are made below the worker's own.
 * In the old hierarchy (version 1) any group may have both processes and groups below it. In the new one (version 2) it may
 * not: see new-groups.ts.
 */

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { ownGroup, tellMissingOld, type Controller, type RefusedPlace } from '../core/control-group.ts';
import { CPU_QUOTA, madeFolder, removed, sweep, textOf, wrote, type Wanted, type WorkerGroup } from './group-files.ts';
import { makeNew } from './new-groups.ts';

export const ROOT = '/sys/fs/cgroup';

/** A process may have several rooms. */
let groups = 0;

/** What can be made here, and why not more; null: it is all that was wanted. */
export interface WorkerGroups {
  readonly groups: readonly WorkerGroup[];
  readonly lacks: RefusedPlace | null;
}

/** The groups that can be made here. */
export function makeWorkerGroups(wanted: Wanted, root: string): WorkerGroups {
  groups += 1;
  const name = `tributary-${process.pid}-${groups}`;
  const own = textOf('/proc/self/cgroup');
  const made = makeNew(root, own, name, wanted);
  if (made?.kind === 'made') return { groups: [made.group], lacks: made.lacks };
  if (made?.kind === 'refused') return { groups: [], lacks: made };
  const pids = ownGroup(own, 'pids');
  const memory = ownGroup(own, 'memory');
  const bounded = pids === null ? null : makeOld(ownOrTop(join(root, 'pids'), pids), name, wanted.processes);
  const inMemory = memory === null ? null : makeOld([below(join(root, 'memory'), memory)], name, null);
  // None that is not asked for: each group has a share of its own, and many trees then take more from the worker.
  const cpu = Number.isFinite(wanted.cpus) ? ownGroup(own, 'cpu') : null;
  const inCpu = cpu === null ? null : makeOld([below(join(root, 'cpu'), cpu)], name, null);
  const all = [bounded, inMemory, inCpu].filter((group): group is WorkerGroup => group !== null);
  return { groups: all, lacks: tellMissingOld(missingOf(all, wanted)) };
}

/** What is wanted, and held by none of them: one hierarchy may hold several. */
function missingOf(groups: readonly WorkerGroup[], { cpus }: Wanted): readonly Controller[] {
  const holds: readonly (readonly [Controller, boolean])[] = [
    ['memory', groups.some(({ memory }) => memory)],
    ['pids', groups.some(({ bounds }) => bounds)],
    ['cpu', !Number.isFinite(cpus) || groups.some(({ cpu }) => cpu)],
  ];
  return holds.filter(([, isHeld]) => !isHeld).map(([controller]) => controller);
}

/** Of the number of processes alone. */
function ownOrTop(top: string, own: string): readonly string[] {
  return [...new Set([resolve(top, `.${own}`), resolve(top)])];
}

function makeOld(parents: readonly string[], name: string, processes: number | null): WorkerGroup | null {
  for (const parent of parents) {
    sweep(parent);
    const folder = join(parent, name);
    if (!madeFolder(folder)) continue;
    const bounds = processes !== null && wrote(join(folder, 'pids.max'), String(processes));
    const memory = existsSync(join(folder, 'memory.limit_in_bytes'));
    const cpu = existsSync(join(folder, CPU_QUOTA));
    if (bounds || memory || cpu) return { version: 1, folder, base: folder, bounds, memory, cpu };
    removed(folder);
  }
  return null;
}

/** A container has its own group at the top, whatever the host calls it. */
function below(top: string, own: string): string {
  const folder = resolve(top, `.${own}`);
  return existsSync(folder) ? folder : resolve(top);
}
