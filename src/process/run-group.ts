/**
 * The control groups of one tree: what they hold it to, who is in them, and their end.
 *
 * Used again by later trees: a group that is removed stays with the kernel for as long as a file is cached that it read.
 * Kept true: nothing of a tree leaves them by itself, whatever it does to its environment, session and parents; no tree is
 * started in groups that still have a process.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { CPU_QUOTA, madeFolder, textOf, wrote, type Wanted, type WorkerGroup } from './group-files.ts';
import { isRunning, readStat, type Look, type ProcessStat } from './proc.ts';
import { findDescendants, findRun, killUntilGone, type Leader } from './sweep.ts';

/** Where one process puts itself to start another one in a tree's groups, and to come back. */
export interface Doors {
  readonly enter: readonly string[];
  readonly leave: readonly string[];
}

export interface Refused {
  /** `memory`: it has ended a process for want of it. `processes`: one could not be started. */
  readonly what: 'memory' | 'processes';
  /** Bytes, or processes and threads: the most that it had. */
  readonly most: number;
}

export interface RunGroup extends Doors {
  readonly folders: readonly string[];
  /** Makes it ready for the next tree. @param memoryBytes Infinity: as much as there is */
  begin(limits: { readonly memoryBytes: number } & Wanted): void;
  /** Takes in a tree that was started elsewhere, with all that it has started by now. */
  take(leader: Leader, tag: string): void;
  /** What the kernel has refused it by now; null: nothing. Never used again then. */
  refused(): Refused | null;
  /** Whether no process is in it. */
  isEmpty(): boolean;
}

/** So much more than the watch allows before the kernel steps in: files that are cached and the kernel's own tables count there. */
const SHARE_ABOVE = 1 / 8;
const BYTES_ABOVE = 64 * 1024 * 1024;
/** Of the number that all trees have together: the others can still start something. */
const SHARE_OF_PROCESSES = 3 / 4;

/** Null where there is no group that could have one below it. */
export function makeRunGroup(groups: readonly WorkerGroup[], name: string): RunGroup | null {
  const made = groups.filter(({ folder }) => madeFolder(join(folder, name)));
  if (made.length === 0) return null;
  const folders = made.map(({ folder }) => join(folder, name));
  const memory = memoryIn(folders);
  const counting = folders.find((folder) => existsSync(join(folder, 'pids.max'))) ?? null;
  let mayHave = 0;
  let allowed = Infinity;
  return {
    folders,
    enter: made.map(({ version, folder }) => join(folder, name, door(version))),
    leave: made.map(({ version, base }) => join(base, door(version))),
    begin({ memoryBytes, processes, cpus }) {
      mayHave = Math.floor(processes * SHARE_OF_PROCESSES);
      if (counting !== null) wrote(join(counting, 'pids.max'), String(mayHave));
      if (memoryBytes !== allowed) memory?.limit(Math.round(memoryBytes * (1 + SHARE_ABOVE) + BYTES_ABOVE));
      allowed = memoryBytes;
      for (const folder of folders) limitCpu(folder, cpus);
    },
    take: (leader, tag) => moveIn(folders, leader, tag),
    refused() {
      if (memory !== null && countIn(memory.events, 'oom_kill') > 0) {
        return { what: 'memory', most: memory.most() };
      }
      return counting !== null && wasFull(counting, mayHave) ? { what: 'processes', most: mayHave } : null;
    },
    isEmpty: () => folders.every((folder) => textOf(join(folder, 'cgroup.procs')) === ''),
  };
}

/** What a process starts while it is moved is looked for again, so often. */
const ROUNDS = 5;

function moveIn(folders: readonly string[], leader: Leader, tag: string): void {
  const moved = new Set<number>();
  let found: readonly { readonly pid: number }[] = [leader];
  for (let round = 0; round < ROUNDS && found.length > 0; round += 1) {
    for (const { pid } of found) {
      moved.add(pid);
      for (const folder of folders) wrote(join(folder, 'cgroup.procs'), String(pid));
    }
    found = [...findRun(leader, tag, { failed: false }), ...findDescendants(leader.pid)].filter(
      ({ pid }) => !moved.has(pid),
    );
  }
}

/** In version 1 one thread alone goes, which takes the kernel no lock of all processes. */
function door(version: 1 | 2): string {
  return version === 1 ? 'tasks' : 'cgroup.procs';
}

interface MemoryFiles {
  /** @param bytes Infinity: no limit */
  limit(bytes: number): void;
  readonly events: string;
  /** Bytes that it has had at a time. */
  most(): number;
}

function memoryIn(folders: readonly string[]): MemoryFiles | null {
  const old = folders.find((folder) => existsSync(join(folder, 'memory.limit_in_bytes')));
  if (old !== undefined) {
    // The second with what is swapped out, and not there where swap is not counted.
    const files = ['memory.limit_in_bytes', 'memory.memsw.limit_in_bytes'].map((file) => join(old, file));
    return {
      limit(bytes) {
        // None first: memory may never have more than memory and swap.
        for (const file of files.toReversed()) wrote(file, '-1');
        if (Number.isFinite(bytes)) for (const file of files) wrote(file, String(bytes));
      },
      events: join(old, 'memory.oom_control'),
      most: () => Number(textOf(join(old, 'memory.max_usage_in_bytes'))),
    };
  }
  const folder = folders.find((path) => existsSync(join(path, 'memory.max')));
  if (folder === undefined) return null;
  return {
    limit(bytes) {
      const most = Number.isFinite(bytes) ? String(bytes) : 'max';
      for (const file of ['memory.max', 'memory.swap.max']) wrote(join(folder, file), most);
      // All of the tree, instead of one process that the rest would go on without.
      wrote(join(folder, 'memory.oom.group'), '1');
    },
    events: join(folder, 'memory.events'),
    // Before Linux 5.19 none tells; and it has had all that it may when the kernel ends a process of it.
    most: () => Number(textOf(join(folder, 'memory.peak')) || textOf(join(folder, 'memory.max'))),
  };
}

/** How long the kernel counts before a tree that has had its time may go on, in microseconds: its own default. */
const PERIOD_US = 100_000;

/** What it takes beyond that it gets later, and so it goes on more slowly: nothing is ended. */
function limitCpu(folder: string, cpus: number): void {
  if (!Number.isFinite(cpus)) return;
  const quota = Math.round(cpus * PERIOD_US);
  wrote(join(folder, 'cpu.max'), `${quota} ${PERIOD_US}`);
  wrote(join(folder, CPU_QUOTA), String(quota));
}

/** Whether one more was refused for its own number, and not for that of all together: older kernels do not tell. */
function wasFull(folder: string, mayHave: number): boolean {
  const most = textOf(join(folder, 'pids.peak'));
  return most !== '' && Number(most) >= mayHave && countIn(join(folder, 'pids.events'), 'max') > 0;
}

function countIn(file: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(textOf(file))?.[1] ?? 0);
}

/** From now on none of its processes starts another one, where that can be said. */
export function closeGroup(folders: readonly string[]): void {
  for (const folder of folders) wrote(join(folder, 'pids.max'), '0');
}

/** The living processes of a run, by its session, group, tag and control groups. */
export function findWhole(leader: Leader, tag: string, folders: readonly string[], look: Look): readonly ProcessStat[] {
  const found = new Map(findRun(leader, tag, look).map((stat) => [stat.pid, stat]));
  const grouped = folders.flatMap((folder) => textOf(join(folder, 'cgroup.procs')).split('\n').map(Number));
  for (const pid of grouped) {
    // 0: one that is outside of this PID namespace.
    const stat = pid > 0 && !found.has(pid) ? readStat(pid, look) : null;
    if (isRunning(stat)) found.set(pid, stat);
  }
  return [...found.values()];
}

/** Ends all that is left of a run. @throws when something cannot be killed */
export async function clearWhole(leader: Leader | null, tag: string, group: RunGroup | null): Promise<void> {
  const { folders } = group ?? { folders: [] };
  closeGroup(folders);
  if (leader !== null) await killUntilGone(tag, (look) => findWhole(leader, tag, folders, look));
}
