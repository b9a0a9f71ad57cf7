/**
 * What the kernel holds process trees to: how many processes all of a worker may have together, and the memory of each,
 * and where that is asked for its processor time.
 * A fork bomb and a memory hog are faster than any watch, and must not take what the host and the worker live on until
 * the watch ends them.
 *
 * All together are held by what is set once, on the process that starts the trees, and inherited. Best effort: cgroups
 * where this account may make them, else a resource limit, which the kernel does not hold root to, and for memory nothing:
 * limits of address space count what was never used, and each process for itself.
 */

import { execFileSync } from 'node:child_process';
import { constants, getPriority, setPriority } from 'node:os';
import { join } from 'node:path';

import type { RefusedPlace } from '../core/control-group.ts';
import { parseShare } from '../core/process-stat.ts';
import { makeWorkerGroups, ROOT, type WorkerGroups } from './control-groups.ts';
import { removed, textOf, wrote, type Wanted, type WorkerGroup } from './group-files.ts';
import { moveBack } from './new-groups.ts';
import { listPids } from './proc.ts';
import { makeRunGroup, type RunGroup } from './run-group.ts';

export interface Bound {
  /** Bounds the process and all that it will start. @returns by what; null when there is no way here */
  hold(pid: number): 'cgroup' | 'limit' | null;
  /** Whether there are groups here that hold each tree to its memory. */
  holdsMemory(): boolean;
  /** Whether there are groups here that hold each tree to the processors that are asked for. */
  holdsCpus(): boolean;
  /** What the kernel does not hold of memory and processes, and why; null: it holds all. Of platforms that have no groups, too, null. */
  lacks(): RefusedPlace | null;
  /** Groups for one tree, into which the held process starts it; null where there are none. */
  forRun(limits: { readonly memoryBytes: number }): RunGroup | null;
  /** A tree's groups, whose processes have ended, may be used again. */
  over(group: RunGroup): void;
  /** Removes what was made; no process may be left in it. */
  release(): void;
}

const PRLIMIT_MS = 2_000;
/** Below the worker's: it must go on when its trees take all there is. */
const NICER = 5;

/** @param root of the control groups' file systems */
export function createBound(wanted: Wanted, root = ROOT): Bound {
  const { processes } = wanted;
  let made: WorkerGroups | null = null;
  let free: readonly RunGroup[] = [];
  let runs = 0;
  const groups = (): readonly WorkerGroup[] => {
    if (process.platform !== 'linux') return [];
    made ??= makeWorkerGroups(wanted, root);
    return made.groups;
  };
  return {
    hold(pid) {
      lowerPriority(pid);
      const held = groups().filter(({ base }) => wrote(join(base, 'cgroup.procs'), String(pid)));
      if (held.some(({ bounds }) => bounds)) return 'cgroup';
      return process.platform !== 'linux' || process.getuid?.() === 0 ? null : limited(pid, processes);
    },
    holdsMemory: () => groups().some(({ memory }) => memory),
    holdsCpus: () => groups().some(({ cpu }) => cpu),
    lacks() {
      groups();
      return made?.lacks ?? null;
    },
    forRun({ memoryBytes }) {
      const kept = free.find((group) => group.isEmpty());
      free = free.filter((group) => group !== kept);
      if (kept === undefined) runs += 1;
      const group = kept ?? makeRunGroup(groups(), `run-${runs}`);
      group?.begin({ memoryBytes, ...wanted });
      return group;
    },
    over(group) {
      if (group.refused() === null) free = [...free, group];
      else for (const folder of group.folders) removed(folder);
    },
    release() {
      for (const { folder } of made?.groups ?? []) removed(folder);
      moveBack();
    },
  };
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, Math.min(constants.priority.PRIORITY_LOW, getPriority(pid) + NICER));
  } catch {
    // It has just ended, or the system does not let us: only a help.
  }
}

function limited(pid: number, processes: number): 'limit' | null {
  try {
    const options = { timeout: PRLIMIT_MS, stdio: 'ignore' } as const;
    execFileSync('prlimit', ['--pid', String(pid), `--nproc=${processes + threadsOfAccount()}`], options);
    return 'limit';
  } catch {
    return null;
  }
}

/** All that the account runs already, by threads: so the kernel counts, and a desktop has thousands of them. */
function threadsOfAccount(): number {
  const own = process.getuid?.();
  const shares = listPids().map((pid) => parseShare(textOf(`/proc/${pid}/status`)));
  return shares.reduce((all, share) => all + (share?.account === own ? (share?.threads ?? 0) : 0), 0);
}
