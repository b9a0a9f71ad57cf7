/** What Linux tells about processes in /proc. Elsewhere everything reads as absent. */

import { closeSync, openSync, readdirSync, readSync } from 'node:fs';

import { hasEnded, parseStat, type ProcessLine } from '../core/process-stat.ts';
import { codeOf } from '../core/thrown.ts';
import { isOutOfDescriptors } from '../files/errors.ts';

export interface ProcessStat extends ProcessLine {
  readonly pid: number;
}

/** One look at what is there: whether all of it could be seen. */
export interface Look {
  /** A descriptor was not free: what seems to be gone may be there. */
  failed: boolean;
}

/** The pids of all processes that can be seen; empty where there is no /proc. */
export function listPids(look?: Look): readonly number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch (error) {
    noteFailed(error, look);
    return [];
  }
}

/** One process's stat, or null when it is gone. */
export function readStat(pid: number, look?: Look): ProcessStat | null {
  const line = parseStat(readProc(pid, 'stat', look) ?? '');
  return line === null ? null : { pid, ...line };
}

/** The environment that a process was started with, NUL between the variables; null when it cannot be read. */
export function readEnvironment(pid: number, look?: Look): string | null {
  return readProc(pid, 'environ', look);
}

/** False once a process is gone or only waits for its parent to take note. */
export function isRunning(stat: ProcessStat | null): stat is ProcessStat {
  return stat !== null && !hasEnded(stat);
}

/** Sends a signal; a process that is gone already, or is not ours, is left alone. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

// One buffer for all, since a sweep reads hundreds of these files; an environment beyond it is cut.
const buffer = Buffer.allocUnsafe(256 * 1024);

function readProc(pid: number, name: string, look?: Look): string | null {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(`/proc/${pid}/${name}`, 'r');
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = readSync(descriptor, buffer, length, buffer.length - length, null);
      // A stat comes whole; an environment may come in pieces of a page.
      if (name === 'stat') return buffer.toString('latin1', 0, read);
    }
    return buffer.toString('latin1', 0, length);
  } catch (error) {
    noteFailed(error, look);
    // Gone, or somebody else's: for both there is nothing to be said about it.
    return null;
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
}

function noteFailed(error: unknown, look?: Look): void {
  if (look !== undefined && isOutOfDescriptors(error)) look.failed = true;
}
