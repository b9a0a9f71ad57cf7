/**
 * Control groups of version 2: the worker's way out of the group that it was started in, and back.
 *
 * It owns the group `tributary-worker` that it has made, if it had to. Kept true: a worker that could not go leaves its group
 * as it was; only what is its own is moved, to and fro; the last of its rooms that closes takes it back, and nothing stays,
 * unless somebody else has come into the group that it made.
 */

import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { findPlace, tellMissing, type Controller, type GroupFiles, type RefusedPlace } from '../core/control-group.ts';
import {
  madeFolder,
  NAME,
  namesIn,
  removed,
  sweep,
  textOf,
  wrote,
  type Wanted,
  type WorkerGroup,
} from './group-files.ts';
import { isAlive } from '../files/living.ts';
import { findDescendants } from './sweep.ts';

/** What comes while the others go is looked for again, so often. */
const ROUNDS = 5;
const PROCS = 'cgroup.procs';
const GIVEN = 'cgroup.subtree_control';

interface Move {
  readonly parent: string;
  readonly leaf: string;
  /** What it has started is the worker's own. */
  readonly first: number;
}

/** One for all rooms of this process. */
let moved: Move | null = null;

export type NewGroups =
  | { readonly kind: 'made'; readonly group: WorkerGroup; readonly lacks: RefusedPlace | null }
  | RefusedPlace;

/** @returns null where version 2 holds nothing here */
export function makeNew(root: string, own: string, name: string, wanted: Wanted): NewGroups | null {
  const first = wanted.startedBy ?? process.pid;
  const ours = ownOf(first);
  const place = findPlace(
    filesOf(root, own, (pid) => ours.has(pid)),
    wantedOf(wanted),
  );
  if (place === null || place.kind === 'refused') return place;
  const { parent, leaf, give, missing } = place;
  sweep(parent);
  if (leaf !== null && !moveDown({ parent, leaf, first })) return couldNot(parent, 'the worker cannot leave it');
  const folder = join(parent, name);
  const base = join(folder, 'starter');
  giveOn(parent, give);
  if (!madeFolder(folder)) return back(couldNot(parent, 'none can be made in it'));
  giveOn(folder, give);
  if (!madeFolder(base)) {
    removed(folder);
    return back(couldNot(parent, 'none can be made below one in it'));
  }
  const bounds = wrote(join(folder, 'pids.max'), String(wanted.processes));
  const [memory, cpu] = ['memory.max', 'cpu.max'].map((file) => existsSync(join(base, file)));
  const group = { version: 2, folder, base, bounds, memory: memory === true, cpu: cpu === true } as const;
  const here = textOf(join(base, 'cgroup.controllers')).trim().split(' ');
  const kept = give.filter((controller) => !here.includes(controller));
  const lacks = kept.length === 0 ? null : couldNot(parent, `${kept.join(' and ')} cannot be given to those in it`);
  return { kind: 'made', group, lacks: tellMissing(parent, missing) ?? lacks };
}

/** None of the processor that is not asked for: each group has a share of its own, and many trees then take more from the worker. */
function wantedOf({ cpus }: Wanted): readonly Controller[] {
  return Number.isFinite(cpus) ? ['memory', 'pids', 'cpu'] : ['memory', 'pids'];
}

function filesOf(root: string, own: string, isOwn: GroupFiles['isOwn']): GroupFiles {
  return {
    root,
    own,
    read(path) {
      try {
        return readFileSync(path, 'latin1');
      } catch {
        return null;
      }
    },
    mayWrite(path) {
      try {
        accessSync(path, constants.W_OK);
        return true;
      } catch {
        return false;
      }
    },
    isOwn,
  };
}

function couldNot(parent: string, what: string): RefusedPlace {
  const next = 'look at cgroup.max.depth and cgroup.max.descendants there and above, and at who else writes there';
  return { kind: 'refused', why: `of the control group ${parent}: ${what}`, next };
}

/** The first that is refused ends it: with processes in the group itself the others would make it a threaded one. */
function giveOn(folder: string, give: readonly Controller[]): void {
  give.every((controller) => wrote(join(folder, GIVEN), `+${controller}`));
}

/** The worker, what it was told to be its own, and what these have started, as it is now. */
function ownOf(first: number): ReadonlySet<number> {
  const started = [first, process.pid].flatMap((pid) => findDescendants(pid));
  return new Set([first, process.pid, ...started.map(({ pid }) => pid)]);
}

/** Whether the worker and all that it has started are in the group below; else all is as it was. */
function moveDown(move: Move): boolean {
  if (!madeFolder(move.leaf) && !existsSync(move.leaf)) return false;
  moved = move;
  for (let round = 0; round < ROUNDS && pidsIn(move.parent).length > 0; round += 1) {
    // Whoever has come since the look at the place is not ours to move, and no group can be made beside him.
    if (hasOthers(move.parent, move.first)) break;
    carry(move.parent, move.leaf, move.first);
  }
  if (pidsIn(move.parent).length === 0) return true;
  moveUp(move);
  return false;
}

function back<T>(result: T): T {
  moveBack();
  return result;
}

/**
 * Takes the worker back to where it was started, when no worker that lives has groups there any more. With somebody else in
 * the group below it stays: a worker that starts there has no groups yet, and needs what is given to them.
 */
export function moveBack(): void {
  if (moved === null) return;
  const { parent, leaf, first } = moved;
  if (namesIn(parent).some(isOfLiving) || hasOthers(leaf, first)) return;
  const given = textOf(join(parent, GIVEN)).trim();
  const none = given.split(' ').map((controller) => `-${controller}`);
  if (given !== '' && !wrote(join(parent, GIVEN), none.join(' '))) return;
  moveUp(moved);
}

function moveUp({ parent, leaf, first }: Move): void {
  let left = carry(leaf, parent, first);
  for (let round = 1; round < ROUNDS && left > 0; round += 1) left = carry(leaf, parent, first);
  removed(leaf);
  if (left === 0) moved = null;
}

/** A killed worker's may be there until what is left in them has ended. */
function isOfLiving(name: string): boolean {
  const pid = NAME.exec(name)?.[1];
  return pid !== undefined && isAlive(Number(pid), '');
}

/** @returns how many of the worker's own it has found there */
function carry(from: string, to: string, first: number): number {
  const pids = pidsIn(from);
  // Asked after the look at the group: what is started in between is looked for again.
  const ours = ownOf(first);
  const own = pids.filter((pid) => ours.has(Number(pid)));
  for (const pid of own) wrote(join(to, PROCS), pid);
  return own.length;
}

/** Those of another PID namespace are others: their pid is 0. */
function hasOthers(folder: string, first: number): boolean {
  const pids = pidsIn(folder);
  const ours = ownOf(first);
  const others = pids.filter((pid) => !ours.has(Number(pid)));
  if (others.length === 0) return false;
  // One of the worker's own may have ended in between.
  const still = pidsIn(folder);
  return others.some((pid) => still.includes(pid));
}

function pidsIn(folder: string): readonly string[] {
  return textOf(join(folder, PROCS))
    .split('\n')
    .filter((pid) => pid !== '');
}
