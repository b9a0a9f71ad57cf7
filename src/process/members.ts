/** Which processes a tree has, and the memory that they take, as far as Linux tells; elsewhere there are none. */

import { readdirSync, readFileSync } from 'node:fs';

import { parseStat } from '../core/process-stat.ts';
import { findDescendants } from './sweep.ts';

export interface Members {
  /** The folder that has them, by their numbers there. */
  readonly proc: string;
  readonly pids: readonly number[];
}

/**
 * The processes of a PID namespace, by its first process.
 *
 * Its own /proc lists them alone, so that what this costs grows with the tree and not with the host.
 */
export function namespaceMembers(init: number): Members {
  const proc = `/proc/${init}/root/proc`;
  const pids = numbersIn(proc);
  return pids.includes(1) ? { proc, pids } : treeMembers(init);
}

/** A process and all below it. */
function treeMembers(leader: number): Members {
  return { proc: '/proc', pids: [leader, ...findDescendants(leader).map(({ pid }) => pid)] };
}

function numbersIn(folder: string): readonly number[] {
  try {
    return readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    // It has just ended, or its /proc is not for this account.
    return [];
  }
}

/** Bytes that nothing but these processes needs; what several share counts for each, so it is the most that it can be. */
export function memoryAtMost({ proc, pids }: Members): number {
  return sumOf(proc, pids, 'status', /^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB/gm);
}

/** The same with what is shared counted once; takes the kernel some milliseconds for a gigabyte. */
export function memoryOf({ proc, pids }: Members): number {
  return sumOf(proc, pids, 'smaps_rollup', /^(?:Pss_Anon|Pss_Shmem|SwapPss):\s+(\d+) kB/gm);
}

const TICK_MS = 10;
const NS_A_MS = 1_000_000;

/** What processes have had of the processors so far, and what each has waited for one; in milliseconds. */
export interface Work {
  /** With that of those that they have seen end. */
  readonly cpuMs: number;
  /** By process, of its first thread. */
  readonly waitedMs: ReadonlyMap<number, number>;
}

export function workOf({ proc, pids }: Members): Work {
  let ticks = 0;
  const waitedMs = new Map<number, number>();
  for (const pid of pids) {
    ticks += parseStat(textOf(`${proc}/${pid}/stat`))?.workedTicks ?? 0;
    const [, waitedNs = '0'] = textOf(`${proc}/${pid}/schedstat`).split(' ');
    waitedMs.set(pid, Number(waitedNs) / NS_A_MS);
  }
  return { cpuMs: ticks * TICK_MS, waitedMs };
}

/** What was done between two looks. On a busy machine what works gets little of a processor: to wait for one is work, too. */
export function workBetween(before: Work, after: Work): number {
  let ms = after.cpuMs - before.cpuMs;
  for (const [pid, waited] of after.waitedMs) ms += Math.max(0, waited - (before.waitedMs.get(pid) ?? 0));
  return ms;
}

function sumOf(proc: string, pids: readonly number[], file: string, fields: RegExp): number {
  let kilobytes = 0;
  for (const pid of pids) {
    for (const [, amount] of textOf(`${proc}/${pid}/${file}`).matchAll(fields)) kilobytes += Number(amount);
  }
  return kilobytes * 1_024;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    // It has ended since.
    return '';
  }
}
