/**
 * Which process a number stands for: numbers are given again, so that owners of files are named by when they began, too.
 *
 * Kept true: what cannot be looked at counts as alive; one that has ended does not, though nobody may have collected it, as in a
 * container.
 */

import { readFileSync } from 'node:fs';
import { parseStat, hasEnded } from '../core/process-stat.ts';
import { codeOf } from '../core/thrown.ts';

/** When a living process began, in the kernel's ticks since its own start; null where that cannot be seen, as outside Linux. */
export function startOf(pid: number): string | null {
  const seen = look(pid);
  return seen.kind === 'lives' ? seen.start : null;
}

/** @param start empty or 0: it is not known, and the number alone says which it is */
export function isAlive(pid: number, start: string): boolean {
  if (!isThere(pid)) return false;
  const seen = look(pid);
  if (seen.kind === 'lives') return start === '' || start === '0' || seen.start === start;
  // It may have gone between the two looks.
  return seen.kind === 'unseen' && isThere(pid);
}

function isThere(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Somebody else's is there, too.
    return codeOf(error) === 'EPERM';
  }
}

type Seen = { readonly kind: 'lives'; readonly start: string } | { readonly kind: 'ended' | 'unseen' };

function look(pid: number): Seen {
  try {
    const line = parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'));
    if (line === null) return { kind: 'unseen' };
    return hasEnded(line) ? { kind: 'ended' } : { kind: 'lives', start: line.startTime };
  } catch {
    // Gone, hidden, no descriptor free, or not Linux.
    return { kind: 'unseen' };
  }
}
