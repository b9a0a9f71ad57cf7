/** The files of control groups, and what is said of a worker's: shared by both versions. */

import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { isAlive } from '../files/living.ts';

/** Of a worker's group, with its process id. */
export const NAME = /^tributary-(\d+)-\d+$/;

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

export interface Wanted {
  /** Processes and threads, of all trees together. */
  readonly processes: number;
  /** Processors, of each tree; Infinity: as many as there are, and no group for them. */
  readonly cpus: number;
  /** A process that is the worker's own, too, with all that it has started. */
  readonly startedBy?: number | null;
}

/** Those of workers that are gone; one that still has processes stays. */
export function sweep(parent: string): void {
  for (const name of namesIn(parent)) {
    const pid = NAME.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid), '')) removed(join(parent, name));
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
