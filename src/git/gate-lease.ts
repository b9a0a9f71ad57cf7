/**
 * Which of a repository's kept gate worktrees a run has, and where all that belongs to it lies.
 *
 * It owns the lock files beside the worktrees. Kept true: a worktree is one run's at a time, on this host.
 */

import { join } from 'node:path';
import { removeFile } from '../files/remove.ts';
import { makeFolder } from '../files/write.ts';
import type { GateHome } from './gate-home.ts';
import { tryLockFile } from './lock.ts';
import { adminFolder } from './places.ts';
import { mirrorOf, originKey, type Repository } from './repository.ts';

export interface LeaseDeps {
  readonly home: string;
  /** The gate worktrees that a run of this process has. */
  readonly leased: Set<string>;
}

export interface GatePlaces {
  readonly path: string;
  readonly index: string;
  /** What git may write when it looks at the worktree: its index lies there. */
  readonly desk: string;
  /** Where what is written over a kept set-up goes. */
  readonly layers: string;
  readonly home: GateHome;
  /** What its runs write of the repository. */
  readonly own: string;
  readonly setUps: string;
  readonly lock: string;
  readonly admin: string;
}

/** In the desk of a gate's worktree. */
export const GATE_INDEX = 'index';
const MAX_GATE_WORKTREES = 64;

/** What lies beside a gate's worktree and belongs to it. */
export function besideGate(path: string): Pick<GatePlaces, 'desk' | 'layers' | 'home' | 'own'> {
  const home = { path: `${path}.home`, layers: `${path}.home-layers` };
  return { desk: `${path}.desk`, layers: `${path}.layers`, home, own: `${path}.own` };
}

/** Takes the first worktree of a repository that no run has. @throws when all are taken */
export async function leaseGate(deps: LeaseDeps, repository: Repository): Promise<GatePlaces> {
  const folder = join(deps.home, 'gates', originKey(repository.origin));
  makeFolder(folder);
  for (let number = 1; number <= MAX_GATE_WORKTREES; number += 1) {
    const path = join(folder, String(number));
    const lock = `${path}.lock`;
    if (deps.leased.has(path)) continue;
    deps.leased.add(path);
    let isTaken = false;
    try {
      isTaken = await tryLockFile(lock);
    } finally {
      // Also when it could not be looked at (no descriptor was free, say): the next run may.
      if (!isTaken) deps.leased.delete(path);
    }
    if (!isTaken) continue;
    const admin = adminFolder(mirrorOf(repository), `gate-${number}`);
    const setUps = join(deps.home, 'set-ups', originKey(repository.origin));
    const beside = besideGate(path);
    const places = { path, index: join(beside.desk, GATE_INDEX), ...beside, setUps, lock, admin };
    try {
      // Where earlier versions had the index.
      await removeFile(`${path}.index`);
      return places;
    } catch (error) {
      await releaseGate(deps, places);
      throw error;
    }
  }
  throw new Error(`all ${MAX_GATE_WORKTREES} gate worktrees of ${repository.origin.project} are in use`);
}

export async function releaseGate(deps: LeaseDeps, places: GatePlaces): Promise<void> {
  try {
    await removeFile(places.lock);
  } finally {
    deps.leased.delete(places.path);
  }
}
