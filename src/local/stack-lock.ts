/**
 * One supervisor a home. Owns `up.lock`, and keeps true that at most one living process holds it: a lock is made by a
 * link, whole with its content, and is stale once the process named in it (by pid and time of start) has ended.
 */

import { randomBytes } from 'node:crypto';
import { link, rename, rm } from 'node:fs/promises';
import { createOnce, openHome, readIfThere } from './home.ts';
import { identify, isAlive, type ProcessIdentity } from './processes.ts';
import { codeOf } from './report.ts';

const TAKE_OVER_TRIES = 5;

export type LockResult =
  | { readonly kind: 'locked'; release(): Promise<void> }
  | { readonly kind: 'taken'; readonly pid: number };

/** Takes a home's lock for this process, also from one that has died; or says who holds it. */
export async function lockStack(home: string): Promise<LockResult> {
  const { lock } = await openHome(home);
  const self = await identify(process.pid);
  if (self === null) throw new Error('this process cannot be found in the process table');
  const text = JSON.stringify({ ...self, token: randomBytes(8).toString('hex') });
  for (let attempt = 0; attempt < TAKE_OVER_TRIES; attempt += 1) {
    const held = await createOnce(lock, text).catch((error: unknown) => {
      // Given back between the two looks: once more.
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    });
    if (held === null) continue;
    if (held === text) return { kind: 'locked', release: () => release(lock, text) };
    const holder = parseHolder(held);
    if (holder !== null && (await isAlive(holder))) return { kind: 'taken', pid: holder.pid };
    await removeStale(lock, held);
  }
  throw new Error(`the lock ${lock} changes hands all the time`);
}

async function release(lock: string, text: string): Promise<void> {
  if ((await readIfThere(lock)) === text) await rm(lock, { force: true });
}

/** Moved aside first: of several who saw the stale lock, only one moves it; who moved a new one puts it back. */
async function removeStale(lock: string, stale: string): Promise<void> {
  const aside = `${lock}.${process.pid}-${randomBytes(4).toString('hex')}`;
  try {
    await rename(lock, aside);
    if ((await readIfThere(aside)) !== stale) await link(aside, lock);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

function parseHolder(text: string): ProcessIdentity | null {
  try {
    const { pid, startTime } = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof pid === 'number' && typeof startTime === 'string' ? { pid, startTime } : null;
  } catch {
    return null;
  }
}
