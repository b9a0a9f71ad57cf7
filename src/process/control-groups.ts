/**
 * Linux's control groups, as far as this process may make some: one for all trees of a worker, and below it one for each.
 *
 * Kept true: no tree leaves what the worker itself is held to by memory, since its groups are made below the worker's own.
 * In the old hierarchy (version 1) any group may have both processes and groups below it. In the new one (version 2) it may
 * not: there the worker has to be in a group named `tributary-worker`, beside which it may make others, or at the top.
 */

import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

export const ROOT = '/sys/fs/cgroup';
const NAME = /^tributary-(\d+)-\d+$/;
/** The worker's own group, by whose name it knows that the one above is given to it. */
const DELEGATED = 'tributary-worker';
/** Of the old hierarchy. */
export const CPU_QUOTA = 'cpu.cfs_quota_us';

/** A group for all trees of this worker in one hierarchy. */
export interface WorkerGroup {
  readonly version: 1 | 2;
  readonly folder: string;
  /** Of what starts the trees: it is not in any tree's. */
  readonly base: string;
  /** Whether it bounds the number of processes. */
  readonly bounds: boolean;
  /** Whether the groups below it bound memory. */
  readonly memory: boolean;
  /** Whether the groups below it bound the processor's time. */
  readonly cpu: boolean;
}

/** A process may have several rooms. */
let groups = 0;

export interface Wanted {
  /** Processes and threads, of all trees together. */
  readonly processes: number;
  /** Processors, of each tree; Infinity: as many as there are, and no group for them. */
  readonly cpus: number;
}

/** The groups that can be made here. */
export function makeWorkerGroups(wanted: Wanted, root: string): readonly WorkerGroup[] {
  groups += 1;
  const name = `tributary-${process.pid}-${groups}`;
  const lines = textOf('/proc/self/cgroup').split('\n');
  const { processes } = wanted;
  const made = makeNew(root, ownIn(lines, null), name, wanted);
  if (made !== null) return [made];
  const pids = ownIn(lines, 'pids');
  const memory = ownIn(lines, 'memory');
  const version = pids === null ? 2 : 1;
  const bounded = makeOld(
    pids === null ? ownOrNone(root, lines) : ownOrTop(join(root, 'pids'), pids),
    name,
    processes,
    version,
  );
  const inMemory = memory === null ? null : makeOld([below(join(root, 'memory'), memory)], name, null);
  // None that is not asked for: each group has a share of its own, and many trees then take more from the worker.
  const cpu = Number.isFinite(wanted.cpus) ? ownIn(lines, 'cpu') : null;
  const inCpu = cpu === null ? null : makeOld([below(join(root, 'cpu'), cpu)], name, null);
  return [bounded, inMemory, inCpu].filter((group): group is WorkerGroup => group !== null);
}

function makeNew(root: string, own: string | null, name: string, wanted: Wanted): WorkerGroup | null {
  if (own === null || !existsSync(join(root, 'cgroup.controllers'))) return null;
  const mine = below(root, own);
  if (basename(mine) !== DELEGATED && mine !== resolve(root)) return null;
  const parent = mine === resolve(root) ? mine : dirname(mine);
  sweep(parent);
  const folder = join(parent, name);
  const base = join(folder, 'starter');
  giveOn(parent, wanted);
  if (!madeFolder(folder)) return null;
  giveOn(folder, wanted);
  if (!madeFolder(base)) return removed(folder);
  const bounds = wrote(join(folder, 'pids.max'), String(wanted.processes));
  const [memory, cpu] = ['memory.max', 'cpu.max'].map((file) => existsSync(join(base, file)));
  return { version: 2, folder, base, bounds, memory: memory === true, cpu: cpu === true };
}

/** All limits of the worker are in this one hierarchy: at its top there would be none. */
function ownOrNone(root: string, lines: readonly string[]): readonly string[] {
  const own = ownIn(lines, null);
  return own === null ? [] : [below(root, own)];
}

/** Of the number of processes alone. */
function ownOrTop(top: string, own: string): readonly string[] {
  return [...new Set([resolve(top, `.${own}`), resolve(top)])];
}

/** Memory first: where that is refused, for processes that are in the group itself, nothing is to be changed. */
function giveOn(folder: string, { cpus }: Wanted): void {
  const file = join(folder, 'cgroup.subtree_control');
  if (!wrote(file, '+memory')) return;
  wrote(file, '+pids');
  if (Number.isFinite(cpus)) wrote(file, '+cpu');
}

function makeOld(
  parents: readonly string[],
  name: string,
  processes: number | null,
  version: 1 | 2 = 1,
): WorkerGroup | null {
  for (const parent of parents) {
    sweep(parent);
    const folder = join(parent, name);
    if (!madeFolder(folder)) continue;
    const bounds = processes !== null && wrote(join(folder, 'pids.max'), String(processes));
    const memory = existsSync(join(folder, 'memory.limit_in_bytes'));
    const cpu = existsSync(join(folder, CPU_QUOTA));
    if (bounds || memory || cpu) return { version, folder, base: folder, bounds, memory, cpu };
    removed(folder);
  }
  return null;
}

/** The path of this process's group; null where there is no such hierarchy. @param controller null: the new hierarchy */
function ownIn(lines: readonly string[], controller: string | null): string | null {
  const line = lines.find((text) => {
    const [number, controllers] = text.split(':');
    return controller === null ? number === '0' : controllers?.split(',').includes(controller) === true;
  });
  return line === undefined ? null : line.split(':').slice(2).join(':');
}

/** A container has its own group at the top, whatever the host calls it. */
function below(top: string, own: string): string {
  const folder = resolve(top, `.${own}`);
  return existsSync(folder) ? folder : resolve(top);
}

/** Those of workers that are gone; one that still has processes stays. */
function sweep(parent: string): void {
  for (const name of namesIn(parent)) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && textOf(`/proc/${pid}/stat`) === '') removed(join(parent, name));
  }
}

/** Removes a group and those below it; what still has a process stays, and is swept by the next worker. */
export function removed(folder: string): null {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removed(join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch {
    // Something is left in it.
  }
  return null;
}

export function madeFolder(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch {
    return false;
  }
}

/** Whether it could be written: the kernel refuses what it does not know, and what is not this account's. */
export function wrote(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'r+' });
    return true;
  } catch {
    return false;
  }
}

export function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** Empty when it cannot be read. */
export function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
