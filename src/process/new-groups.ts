/**
 * Control groups of version 2: the worker's way out of the group that it was started in, and back.
 *
 * It owns the group `tributary-worker` that it has made, if it had to. Kept true: a worker that could not go leaves its group
 * as it was; the last of its rooms that closes takes it back, and nothing stays.
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
import { findDescendants } from './sweep.ts';

/** What comes while the others go is looked for again, so often. */
const ROUNDS = 5;
const PROCS = 'cgroup.procs';
const GIVEN = 'cgroup.subtree_control';

interface Move {
  readonly parent: string;
  readonly leaf: string;
}

/** One for all rooms of this process. */
let moved: Move | null = null;

export type NewGroups =
  | { readonly kind: 'made'; readonly group: WorkerGroup; readonly lacks: RefusedPlace | null }
  | RefusedPlace;

/** @returns null where version 2 holds nothing here */
export function makeNew(root: string, own: string, name: string, wanted: Wanted): NewGroups | null {
  const first = wanted.startedBy ?? process.pid;
  const ours = new Set([first, process.pid, ...findDescendants(first).map(({ pid }) => pid)]);
  const place = findPlace(
    filesOf(root, own, (pid) => ours.has(pid)),
    wantedOf(wanted),
  );
  if (place === null || place.kind === 'refused') return place;
  const { parent, leaf, give, missing } = place;
  if (leaf !== null && !moveDown({ parent, leaf })) return couldNot(parent, 'the worker cannot leave it');
  sweep(parent);
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

/** Whether the worker and all that it has started are in the group below; else all is as it was. */
function moveDown(move: Move): boolean {
  if (!madeFolder(move.leaf) && !existsSync(move.leaf)) return false;
  moved = move;
  for (let round = 0; round < ROUNDS && pidsIn(move.parent).length > 0; round += 1) carry(move.parent, move.leaf);
  if (pidsIn(move.parent).length === 0) return true;
  moveBack();
  return false;
}

function back<T>(result: T): T {
  moveBack();
  return result;
}

/** Takes the worker back to where it was started, when no room of it has groups there any more. */
export function moveBack(): void {
  if (moved === null) return;
  const { parent, leaf } = moved;
  if (namesIn(parent).some((name) => NAME.test(name))) return;
  const given = textOf(join(parent, GIVEN)).trim();
  const none = given.split(' ').map((controller) => `-${controller}`);
  if (given !== '' && !wrote(join(parent, GIVEN), none.join(' '))) return;
  for (let round = 0; round < ROUNDS && pidsIn(leaf).length > 0; round += 1) carry(leaf, parent);
  removed(leaf);
  if (!existsSync(leaf)) moved = null;
}

function carry(from: string, to: string): void {
  for (const pid of pidsIn(from)) wrote(join(to, PROCS), pid);
}

function pidsIn(folder: string): readonly string[] {
  return textOf(join(folder, PROCS))
    .split('\n')
    .filter((pid) => pid !== '');
}
