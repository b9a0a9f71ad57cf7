/**
 * One supervisor a home. Owns the files `up.lock.<n>`, and keeps true that at most one living process holds the lock:
 * the highest number counts; it is held while the process named in it (by pid and time of start) lives and has not given
 * it back; who finds it free makes the next number, which a link gives to one alone. Numbers only grow (a lock that is
 * given back stays, marked), so that nobody who looked long ago can make one that counts.
 */

import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { createOnce, homePaths, openHome, readIfThere } from './home.ts';
import { identify, isStillAlive, type ProcessIdentity } from './processes.ts';
import { codeOf } from '../core/thrown.ts';

const TRIES = 20;

export interface StackLock {
  /** False once it is not there any more: the home was deleted, and may be somebody else's by now. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

export type LockResult = ({ readonly kind: 'locked' } & StackLock) | { readonly kind: 'taken'; readonly pid: number };

/** Takes a home's lock for this process, also from one that has died; or says who holds it. */
export async function lockStack(home: string): Promise<LockResult> {
  const { lock } = await openHome(home);
  const self = await identify(process.pid);
  if (self === null) throw new Error('this process cannot be found in the process table');
  const text = JSON.stringify({ ...self, token: randomBytes(8).toString('hex') });
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    const last = Math.max(0, ...(await numbers(lock)));
    const holder = parseHolder(await readIfThere(`${lock}.${last}`));
    if (holder !== null && (await isStillAlive(holder))) return { kind: 'taken', pid: holder.pid };
    if (await make(lock, last + 1, text)) return { kind: 'locked', ...holding(`${lock}.${last + 1}`, text) };
  }
  throw new Error(`the lock ${lock} changes hands all the time`);
}

/** The living process that holds a home's lock; null when none does. Makes nothing. */
export async function stackHolder(home: string): Promise<ProcessIdentity | null> {
  const { lock } = homePaths(home);
  const last = Math.max(0, ...(await numbers(lock)));
  const holder = parseHolder(await readIfThere(`${lock}.${last}`));
  return holder !== null && (await isStillAlive(holder)) ? holder : null;
}

/** Makes a number, if nobody has, and if none above it has been made meanwhile. */
async function make(lock: string, number: number, text: string): Promise<boolean> {
  const path = `${lock}.${number}`;
  const made = await createOnce(path, text).catch((error: unknown) => {
    // Somebody's, removed between the two looks at it.
    if (codeOf(error) === 'ENOENT') return null;
    throw error;
  });
  if (made !== text) return false;
  const others = (await numbers(lock)).filter((other) => other !== number);
  const isLast = others.every((other) => other < number);
  await Promise.all((isLast ? others : [number]).map((other) => rm(`${lock}.${other}`, { force: true })));
  return isLast;
}

async function numbers(lock: string): Promise<readonly number[]> {
  const prefix = `${basename(lock)}.`;
  return (await readdir(dirname(lock)))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((rest) => /^\d{1,9}$/.test(rest))
    .map(Number);
}

function holding(path: string, text: string): StackLock {
  // What cannot be read at this moment is not gone.
  const isHeld = async (): Promise<boolean> => (await readIfThere(path).catch(() => text)) === text;
  return {
    isHeld,
    async release() {
      if (await isHeld()) await giveBack(path);
    },
  };
}

async function giveBack(path: string): Promise<void> {
  const temporary = `${path}.released`;
  await writeFile(temporary, 'given back', { mode: 0o600 });
  await rename(temporary, path);
}

function parseHolder(text: string | null): ProcessIdentity | null {
  if (text === null) return null;
  try {
    const { pid, startTime } = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : null;
  } catch {
    return null;
  }
}
