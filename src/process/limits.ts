/**
 * Watches what a process tree takes of the host, and names the limit that it goes beyond, or that the kernel held it to.
 *
 * Kept true: watching takes at most a twentieth of a core, but for one look in two seconds; a limit is told once.
 */

import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';

import { bytesBelow } from '../files/sizes.ts';
import type { DiskKeeper } from './disk-keeper.ts';
import { memoryAtMost, memoryOf, type Members } from './members.ts';
import type { Refused } from './run-group.ts';

/** Infinity where there is none, and 0 for the disk. */
export interface RunLimits {
  readonly processes: number;
  readonly memoryBytes: number;
  /** What all of {@link folders} may take of the disk together. */
  readonly writtenBytes: number;
  readonly folders: readonly string[];
  /** So much of the disk is kept free: of those that run, the one ends that has the most in its folders. */
  readonly freeBytes: number;
}

export interface Exceeded {
  readonly kind: 'over-limit';
  readonly limit: 'too-many-processes' | 'too-much-memory' | 'too-much-written';
  readonly message: string;
  /** Within its own limits: it was ended since the disk was nearly full, whoever had filled it. */
  readonly forRoom?: true;
}

export interface Watched {
  readonly limits: RunLimits;
  readonly outputFile: string;
  /** Of the disk, before anything was started that could write: see {@link freeFor}. */
  readonly freeAtFirst: number;
  /** Null while nobody knows. */
  readonly members: () => Members | null;
  /** What the kernel has refused it by now. */
  readonly refused: () => Refused | null;
  readonly disk: DiskKeeper;
}

const EVERY_MS = 250;
/** So often where the disk could be full before the next look. */
const CLOSE_MS = 50;
const CLOSE_BYTES = 4 * 1024 ** 3;
/** A look that takes long is taken the less often, down to this: on an overloaded machine each takes long. */
const REST = 20;
const SELDOM_MS = 2_000;
/** Beside what has gone of the disk's free space, in which others may have made room. */
const MEASURE_EVERY_MS = 5_000;
/** So long the last look may take: a tree can leave more files than can be counted in any time. */
const LAST_LOOK_MS = 30_000;

export interface LimitsWatch {
  /**
   * What lies in the folders once all that could write there is gone: on a busy machine a tree may have written more than
   * it may, and ended, between two looks. It takes half a minute at the most, and ends with the signal: then what was seen
   * by then counts.
   */
  last(signal: AbortSignal): Promise<Exceeded | null>;
  stop(): void;
}

export function watchLimits(watched: Watched, onExceeded: (exceeded: Exceeded) => void): LimitsWatch {
  const { limits, disk, freeAtFirst } = watched;
  const measuring = createMeasuring(limits, onExceeded);
  const leaveDisk = disk.add({
    folders: limits.folders,
    end: (bytes) => {
      const exceeded = over('too-much-written', `the disk was nearly full, and it had ${megabytes(bytes)}`);
      onExceeded({ ...exceeded, forRoom: true });
    },
  });
  let timer: NodeJS.Timeout;
  let mostGone = 0;
  const freeNow = (): number => {
    const free = freeFor(watched);
    mostGone = Math.max(mostGone, Math.abs(freeAtFirst - free));
    return free;
  };
  const look = (): void => {
    const beganAt = performance.now();
    const free = freeNow();
    if (free < limits.freeBytes) disk.isShort();
    measuring.look(freeAtFirst - free);
    const exceeded = judge(watched);
    if (exceeded !== null) onExceeded(exceeded);
    const took = performance.now() - beganAt;
    const soon = free < limits.freeBytes + CLOSE_BYTES ? CLOSE_MS : EVERY_MS;
    timer = setTimeout(look, Math.max(soon, Math.min(took * REST, SELDOM_MS)));
  };
  timer = setTimeout(look, EVERY_MS);
  const stop = (): void => {
    measuring.stop();
    leaveDisk();
    clearTimeout(timer);
  };
  return {
    stop,
    last(signal) {
      stop();
      freeNow();
      // Where others have made much room, at any time, nothing can be said of what has gone.
      if (!couldBeTooMuch(limits, mostGone)) return Promise.resolve(null);
      return tooMuchWritten(limits, AbortSignal.any([signal, AbortSignal.timeout(LAST_LOOK_MS)]));
    },
  };
}

function judge({ limits, members, refused }: Watched): Exceeded | null {
  const no = refused();
  if (no !== null) return kernelRefused(no, limits);
  const seen = members();
  if (seen === null) return null;
  const count = seen.pids.length;
  if (count > limits.processes) {
    return over('too-many-processes', `it had ${count} processes at a time; ${limits.processes} are allowed`);
  }
  if (memoryAtMost(seen) <= limits.memoryBytes) return null;
  const memory = memoryOf(seen);
  if (memory <= limits.memoryBytes) return null;
  return over(
    'too-much-memory',
    `it took ${megabytes(memory)} of memory; ${megabytes(limits.memoryBytes)} are allowed`,
  );
}

/** What the kernel has seen before the watch could. */
export function kernelRefused({ what, most }: Refused, { memoryBytes }: Pick<RunLimits, 'memoryBytes'>): Exceeded {
  if (what === 'processes') {
    return over('too-many-processes', `it had ${most} processes and threads, and the kernel refused it another one`);
  }
  const allowed = Number.isFinite(memoryBytes) ? `; ${megabytes(memoryBytes)} are allowed` : '';
  return over(
    'too-much-memory',
    `it took ${megabytes(most)} of memory, and the kernel ended a process of it${allowed}`,
  );
}

interface Measuring {
  /** Begins to measure the folders when as much has gone as could be too much, unless it does already. */
  look(gone: number): void;
  stop(): void;
}

function createMeasuring(limits: RunLimits, onExceeded: (exceeded: Exceeded) => void): Measuring {
  const stopped = new AbortController();
  let running = false;
  let notBefore = 0;
  let nextAnyway = performance.now() + MEASURE_EVERY_MS;
  const measure = async (): Promise<void> => {
    const beganAt = performance.now();
    const exceeded = await tooMuchWritten(limits, stopped.signal);
    notBefore = performance.now() + (performance.now() - beganAt) * REST;
    nextAnyway = notBefore + MEASURE_EVERY_MS;
    if (exceeded !== null && !stopped.signal.aborted) onExceeded(exceeded);
  };
  return {
    look(gone) {
      const now = performance.now();
      if (running || !Number.isFinite(limits.writtenBytes) || now < notBefore) return;
      if (!couldBeTooMuch(limits, gone) && now < nextAnyway) return;
      running = true;
      void measure().finally(() => {
        running = false;
      });
    },
    stop: () => stopped.abort(),
  };
}

/** @param gone how much less of the disk is free than there was at first */
function couldBeTooMuch({ writtenBytes }: RunLimits, gone: number): boolean {
  return gone >= writtenBytes / 2;
}

async function tooMuchWritten({ folders, writtenBytes }: RunLimits, signal: AbortSignal): Promise<Exceeded | null> {
  const written = await bytesBelow(folders, { enough: writtenBytes, signal });
  if (written <= writtenBytes) return null;
  const allowed = megabytes(writtenBytes);
  return over('too-much-written', `it had more than the ${allowed} of the disk that are allowed`);
}

function over(limit: Exceeded['limit'], message: string): Exceeded {
  return { kind: 'over-limit', limit, message };
}

/** What is free of the disk that a run writes to; of the fullest one where there are several. */
export function freeFor({ outputFile, limits }: Pick<Watched, 'outputFile' | 'limits'>): number {
  return Math.min(...[dirname(outputFile), ...limits.folders].map(freeIn));
}

function freeIn(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    // The tree may have removed a folder of its own; the others are on the same disk.
    return Infinity;
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1_048_576)} MiB`;
}
