/**
 * One at a time: in this process by a queue, between processes by a file.
 *
 * The file names its owner by process id and start time. It is stale when no such process lives, and is then taken
 * over by whoever holds the lock file of just that take-over: so a stale lock has one who may touch it, however many see it.
 */

import { createHash } from 'node:crypto';
import {
  linkSync,
  lstatSync,
  lutimesSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { codeOf } from '../core/thrown.ts';
import { absentAsNull, isNoSpace } from '../files/errors.ts';
import { isAlive, startOf } from '../files/living.ts';
import { removeFile } from '../files/remove.ts';
import { temporaryName } from '../files/write.ts';

const LOCK_RETRY_MS = 20;
/** So much of the time between two looks counts at most: who did not run in between could not see a holder at work. */
const LOOK_COUNTS_MS = 100;

export interface LockTimes {
  /** How often a holder touches its lock file, so that who waits sees it at work. */
  readonly touchMs: number;
  /** A holder that has not touched it for so long, or handed it on, is suspended or stuck: it is not waited for. */
  readonly silentMs: number;
  /** Nobody waits longer in all; git's longest commands may take an hour. */
  readonly limitMs: number;
}

const LOCK_TIMES: LockTimes = { touchMs: 20_000, silentMs: 120_000, limitMs: 2 * 60 * 60_000 };

export type Mutex = <T>(work: () => Promise<T>) => Promise<T>;

/** Runs what it is given one after another, in the order of the calls. */
export function createMutex(): Mutex {
  let last: Promise<unknown> = Promise.resolve();
  return <T>(work: () => Promise<T>): Promise<T> => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
}

/** One mutex for each key; none is kept that nobody uses. */
export function createMutexes(): (key: string) => Mutex {
  const held = new Map<string, { mutex: Mutex; users: number }>();
  return (key) => async (work) => {
    const entry = held.get(key) ?? { mutex: createMutex(), users: 0 };
    held.set(key, entry);
    entry.users += 1;
    try {
      return await entry.mutex(work);
    } finally {
      entry.users -= 1;
      if (entry.users === 0) held.delete(key);
    }
  };
}

/**
 * Runs some work while this process holds the lock file.
 *
 * @throws when a living process holds it that does not go on, or others do for two hours
 */
export async function withLockFile<T>(path: string, work: () => Promise<T>, times = LOCK_TIMES): Promise<T> {
  await untilTaken(path, times);
  const touching = setInterval(() => touch(path), times.touchMs).unref();
  try {
    return await work();
  } finally {
    clearInterval(touching);
    await removeFile(path);
  }
}

async function untilTaken(path: string, { silentMs, limitMs }: LockTimes): Promise<void> {
  const startedMs = performance.now();
  let [stamp, lookedMs, silence] = [stampOf(path), startedMs, 0];
  while (!(await tryLockFile(path))) {
    await pause(LOCK_RETRY_MS);
    const [now, nowMs] = [stampOf(path), performance.now()];
    silence = now === stamp ? silence + Math.min(nowMs - lookedMs, LOOK_COUNTS_MS) : 0;
    [stamp, lookedMs] = [now, nowMs];
    if (silence > silentMs || nowMs - startedMs > limitMs)
      throw new Error(`${path} is held by another worker, which has not gone on for ${Math.round(silence)} ms`);
  }
}

/** Tells a lock file from that of another holder, and from itself before it was touched; null when it is gone. */
function stampOf(path: string): string | null {
  try {
    const { ino, ctimeNs } = lstatSync(path, { bigint: true });
    return `${ino} ${ctimeNs}`;
  } catch (error) {
    return absentAsNull(error);
  }
}

function touch(path: string): void {
  const now = new Date();
  try {
    lutimesSync(path, now, now);
  } catch {
    // Whoever waits for it gives up, and comes again: no reason to end the work.
  }
}

/** Takes the lock file when it is free or stale; never waits. In one go, so that nobody of this process comes between. */
export async function tryLockFile(path: string): Promise<boolean> {
  return isTaken(path, thisProcess());
}

/** Whether a living process holds the lock file just now. */
export function isHeld(path: string): boolean {
  const owner = ownerIn(path);
  return owner !== null && isOwnerAlive(owner);
}

let ownName: string | null = null;

/** What names this process as an owner. Asked for once: the kernel adds up all threads for each reader. */
export function thisProcess(): string {
  // Empty where it is not known: then its number alone says which it is.
  ownName ??= `${process.pid} ${startOf(process.pid) ?? ''}`;
  return ownName;
}

function isTaken(path: string, self: string): boolean {
  for (let round = 0; round < 2; round += 1) {
    if (makeWhole(path, self)) return true;
    const owner = ownerIn(path);
    if (owner === null) continue;
    return !isOwnerAlive(owner) && isTakenOver(path, owner, self);
  }
  return false;
}

/** Makes a file with its content in one step, so that nobody reads it half-written; false when there is one. */
function makeWhole(path: string, content: string): boolean {
  const aside = temporaryName(path);
  try {
    writeFileSync(aside, content, { flag: 'wx', mode: 0o600 });
    linkSync(aside, path);
    return true;
  } catch (error) {
    if (isNoSpace(error)) return makeLink(path, content);
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkIfThere(aside);
  }
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    absentAsNull(error);
  }
}

/** Says the same by where it leads, which takes no room: who is to make some has to have the lock first. */
function makeLink(path: string, content: string): boolean {
  try {
    symlinkSync(content, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Puts this process's name over that of a dead owner. Who does so holds a lock file for just that owner's end, and looks
 * again under it: another may have taken over before, and nobody but its holder changes what a dead owner left. Should
 * the holder die as well, its lock is taken over likewise.
 */
function isTakenOver(path: string, owner: string, self: string): boolean {
  const claim = `${path}.${createHash('sha256').update(owner).digest('hex').slice(0, 12)}`;
  if (!isTaken(claim, self)) return false;
  try {
    if (ownerIn(path) !== owner) return false;
    const aside = temporaryName(path);
    makeWhole(aside, self);
    renameSync(aside, path);
    return true;
  } finally {
    unlinkSync(claim);
  }
}

/** What the lock file says; null when it is gone. */
function ownerIn(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') return absentAsNull(error);
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    return absentAsNull(error);
  }
}

/** Whether the process that an owner's name stands for lives. */
export function isOwnerAlive(owner: string): boolean {
  const [pid = '', start = ''] = owner.split(' ');
  return isAlive(Number(pid), start);
}
