/**
 * What this host has of repositories and can make again: mirrors, landing repositories, kept set-ups, gate worktrees. Each goes
 * as a whole, out of its place at once; never by git's own gc.
 *
 * Kept true here: one that a run has leased stays, and a repository goes only while nobody else holds its lock file.
 */

import { basename, dirname, join } from 'node:path';
import type { Remade } from '../core/gc.ts';
import { parseTaskId, type TaskId } from '../core/ids.ts';
import { namesIn, statusOf } from '../files/read.ts';
import { removeFile, removeTree } from '../files/remove.ts';
import { dropHome } from './gate-home.ts';
import { besideGate, GATE_INDEX } from './gate-lease.ts';
import { isHeld, tryLockFile } from './lock.ts';
import { brokenFolder } from './mend.ts';
import { unmountBelow } from './overlay.ts';
import { adminFolder } from './places.ts';
import { mirrorFolder } from './write-repository.ts';

export interface Store extends Remade {
  readonly kind: 'mirror' | 'landing' | 'set-up' | 'gate';
  /** The name of its origin's folders, and its own below that. */
  readonly origin: string;
  readonly name: string;
  readonly path: string;
  /** All that goes with it. */
  readonly paths: readonly string[];
}

/** What a gate's worktree has beside it: see {@link besideGate}; `index` is of earlier versions. */
const BESIDE = /\.(?:lock|desk|layers|own|home|home-layers|home\.tmp|index)$/;

export async function listStores(home: string): Promise<readonly Store[]> {
  const below = async (folder: string): Promise<readonly string[]> => (await namesIn(join(home, folder))).toSorted();
  const stores: Store[] = [];
  for (const [kind, folder, ending, others] of [
    // A removal that was cut off leaves parts of one.
    ['mirror', 'mirrors', '.engine', ['.git', '.engine.lock']],
    ['landing', 'landing', '.git', ['.git.broken', '.git.lock']],
  ] as const) {
    const names = await below(folder);
    const origins = names.flatMap((name) => {
      const end = [ending, ...others].find((each) => name.endsWith(each));
      return end === undefined ? [] : [name.slice(0, -end.length)];
    });
    for (const origin of new Set(origins)) {
      const name = `${origin}${ending}`;
      const path = join(home, folder, name);
      const tasks = (await tasksIn(path)).size;
      const paths = kind === 'mirror' ? [path, mirrorFolder(path)] : [path, brokenFolder(path)];
      stores.push({ kind, origin, name, path, paths, tasks, usedMs: await lastChange(path), isLeased: false });
    }
  }
  for (const origin of await below('gates')) {
    const leased = await leasedIn(join(home, 'gates', origin));
    // A removal that was cut off leaves parts of one here, too.
    const names = (await below(join('gates', origin))).map((name) => name.replace(BESIDE, ''));
    for (const name of new Set(names.filter((each) => /^\d+$/.test(each)))) {
      const path = join(home, 'gates', origin, name);
      const { desk, layers, own, home: run } = besideGate(path);
      const paths = [path, desk, layers, own, run.path, run.layers, `${run.path}.tmp`];
      const usedMs = Math.max(...[path, join(desk, GATE_INDEX), `${path}.lock`].map(changeOf));
      stores.push({ kind: 'gate', origin, name, path, paths, tasks: 0, usedMs, isLeased: leased.has(name) });
    }
  }
  for (const origin of await below('set-ups')) {
    const isLeased = (await leasedIn(join(home, 'gates', origin))).size > 0;
    for (const name of await below(join('set-ups', origin))) {
      const path = join(home, 'set-ups', origin, name);
      stores.push({ kind: 'set-up', origin, name, path, paths: [path], tasks: 0, usedMs: changeOf(path), isLeased });
    }
  }
  return stores;
}

/** False when somebody has it just now. */
export async function removeStore(home: string, store: Store): Promise<boolean> {
  const trash = join(home, 'trash');
  if (store.kind === 'set-up') {
    await removeTree(store.path, trash);
    return true;
  }
  const lock = `${store.path}.lock`;
  if (!(await tryLockFile(lock))) return false;
  try {
    if (store.kind === 'gate') await removeGate(home, store.path);
    // The mirror last: without the engine's side it is made anew.
    else await removeTree(store.path, trash);
    if (store.kind === 'mirror') await removeTree(mirrorFolder(store.path), trash);
    if (store.kind === 'landing') await removeTree(brokenFolder(store.path), trash);
  } finally {
    await removeFile(lock);
  }
  return true;
}

async function removeGate(home: string, path: string): Promise<void> {
  const trash = join(home, 'trash');
  await unmountBelow(path);
  // What a gate has written there is not followed elsewhere.
  const mirror = join(home, 'mirrors', `${basename(dirname(path))}.git`);
  await removeTree(adminFolder(mirror, `gate-${basename(path)}`), trash);
  const { desk, layers, own, home: run } = besideGate(path);
  // What a run that was killed has left of its own.
  await dropHome(run, trash);
  for (const part of [path, desk, layers, own, `${path}.index`]) await removeTree(part, trash);
}

/** The tasks that have refs in a repository of the engine, or branches in the mirror that it is of. */
async function tasksIn(gitDir: string): Promise<ReadonlySet<TaskId>> {
  const names = [
    ...(await namesIn(join(gitDir, 'refs/tasks'))),
    ...(await namesIn(join(mirrorFolder(gitDir), 'refs/heads/tasks'))),
  ];
  return new Set(names.flatMap((name) => taskOf(name)));
}

function taskOf(name: string): readonly TaskId[] {
  const id = parseTaskId(name);
  return id.kind === 'ok' ? [id.value] : [];
}

/** When something was written to it last: refs, objects, packs. */
async function lastChange(gitDir: string): Promise<number> {
  const objects = join(mirrorFolder(gitDir), 'objects');
  const fans = (await namesIn(objects)).map((name) => join(objects, name));
  const refs = [
    gitDir,
    `${gitDir}.lock`,
    mirrorFolder(gitDir),
    join(gitDir, 'refs'),
    join(gitDir, 'refs/tasks'),
    ...(await filesIn(join(gitDir, 'refs/remotes/origin'))),
  ];
  return Math.max(...[objects, ...fans, ...refs].map(changeOf));
}

async function filesIn(folder: string): Promise<readonly string[]> {
  return (await namesIn(folder)).map((name) => join(folder, name));
}

function changeOf(path: string): number {
  return statusOf(path)?.mtimeMs ?? 0;
}

/** The gate worktrees of an origin that living processes have. */
async function leasedIn(folder: string): Promise<ReadonlySet<string>> {
  const leased = new Set<string>();
  for (const name of await namesIn(folder)) {
    if (/^\d+\.lock$/.test(name) && isHeld(join(folder, name))) leased.add(name.slice(0, -'.lock'.length));
  }
  return leased;
}
