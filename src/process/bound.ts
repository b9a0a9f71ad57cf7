/**
 * How many processes all trees of a worker may have together, held by the kernel: a fork bomb is faster than any watch, and
 * must not take the process numbers that the host and the worker live on until the watch ends it.
 *
 * Set once, on the process that starts the trees, and inherited: a tree costs nothing more. Best effort: a cgroup where
 * this account may make one, else a resource limit, which the kernel does not hold root to.
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { join } from 'node:path';

export interface Bound {
  /** Bounds the process and all that it will start. @returns by what; null when there is no way here */
  hold(pid: number): 'cgroup' | 'limit' | null;
  /** Removes what was made; no process may be left in it. */
  release(): void;
}

const ROOT = '/sys/fs/cgroup';
const NAME = /^tributary-(\d+)-\d+$/;
const PRLIMIT_MS = 2_000;
/** Below the worker's: it must go on when its trees take all there is. */
const NICER = 5;

export function createBound(processes: number): Bound {
  let made: string | null = null;
  return {
    hold(pid) {
      lowerPriority(pid);
      if (process.platform !== 'linux') return null;
      made ??= makeGroup(processes);
      if (made !== null && wrote(join(made, 'cgroup.procs'), String(pid))) return 'cgroup';
      return process.getuid?.() === 0 ? null : limited(pid, processes);
    },
    release() {
      if (made !== null) removed(made);
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

/** A process may have several rooms. */
let groups = 0;

function makeGroup(processes: number): string | null {
  groups += 1;
  for (const parent of parents()) {
    sweep(parent);
    const folder = join(parent, `tributary-${process.pid}-${groups}`);
    try {
      // Never with its parents: where no hierarchy is mounted the kernel says of each that it is not there, for ever.
      mkdirSync(folder);
    } catch {
      continue;
    }
    if (wrote(join(folder, 'pids.max'), String(processes))) return folder;
    removed(folder);
  }
  return null;
}

/** Where groups may be made: below this process's own one, or at the top, in the new hierarchy or the old one. */
function parents(): readonly string[] {
  const lines = textOf('/proc/self/cgroup').split('\n');
  const old = lines.find((line) => line.split(':')[1]?.split(',').includes('pids') === true);
  const [top, own] =
    old === undefined
      ? [ROOT, lines.find((line) => line.startsWith('0::'))?.slice('0::'.length)]
      : [join(ROOT, 'pids'), old.split(':').slice(2).join(':')];
  return own === undefined ? [] : [...new Set([join(top, own), top])];
}

/** Those of workers that are gone; one that still has processes stays. */
function sweep(parent: string): void {
  for (const name of namesIn(parent)) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && textOf(`/proc/${pid}/stat`) === '') removed(join(parent, name));
  }
}

function limited(pid: number, processes: number): 'limit' | null {
  try {
    // What the account runs already counts, too.
    const others = namesIn('/proc').filter((name) => /^\d+$/.test(name)).length;
    const options = { timeout: PRLIMIT_MS, stdio: 'ignore' } as const;
    execFileSync('prlimit', ['--pid', String(pid), `--nproc=${processes + others}`], options);
    return 'limit';
  } catch {
    return null;
  }
}

function wrote(path: string, text: string): boolean {
  try {
    writeFileSync(path, text);
    return true;
  } catch {
    return false;
  }
}

function removed(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Something is left in it: the next worker tries again.
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
