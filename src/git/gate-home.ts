/**
 * The HOME of a gate run: its own, over what main's set-up has left in its HOME, and gone when the run is over.
 *
 * It owns a folder beside the gate's worktree. Kept true (N3): what one candidate's run leaves there (an .npmrc, say), no
 * other run finds; what all find was left by a set-up of main's files alone, and never changes.
 */

import { join } from 'node:path';
import { namesIn, statusOf } from '../files/read.ts';
import { removeTree } from '../files/remove.ts';
import { makeFolder } from '../files/write.ts';
import { mountOver, unmountBelow } from './overlay.ts';
import { copyTree, keptFolder, type SetUpStore } from './set-up-store.ts';

export interface GateHome {
  readonly path: string;
  /** Where what a run writes over a kept one goes, when an overlay can be made. */
  readonly layers: string;
}

/** The set-up that a run is to have: its key, whether it is kept, and whether it is main's. */
export interface SetUpWanted {
  readonly key: string;
  readonly isKept: boolean;
  readonly isOfMain: boolean;
}

/** Makes it where there is none; `wanted` null: there is no set-up, and nothing to begin with. */
export async function makeHome(store: SetUpStore, home: GateHome, wanted: SetUpWanted | null): Promise<void> {
  makeFolder(home.path, 0o700);
  if (wanted === null) return;
  // A set-up begins with what the last one of main has left, so that package managers find their caches.
  const kept = wanted.isKept ? keptHome(store, wanted.key) : await lastHome(store);
  if (kept === null) return;
  // Main's is kept as it then is, so all of it must be the folder's own.
  const mayLay = wanted.isKept || !wanted.isOfMain;
  if (mayLay && store.overlays.works) {
    if (await mountOver(home.path, kept, home.layers)) return;
    store.overlays.works = false;
  }
  await copyTree(kept, home.path);
}

/** Throws it away, with the temporary folders beside it. */
export async function dropHome({ path, layers }: GateHome, trash: string): Promise<void> {
  await unmountBelow(path);
  for (const each of [path, layers, `${path}.tmp`]) await removeTree(each, trash);
}

/** What a set-up has left of its HOME; null when it left nothing, or is not kept. */
function keptHome({ folder }: SetUpStore, key: string): string | null {
  const path = join(keptFolder(folder, key), 'home');
  return statusOf(path)?.isDirectory() === true ? path : null;
}

/** That of the set-up that was used last. */
async function lastHome(store: SetUpStore): Promise<string | null> {
  let last: { readonly path: string; readonly usedMs: number } | null = null;
  for (const key of await namesIn(store.folder)) {
    const path = key.endsWith('.tmp') ? null : keptHome(store, key);
    const usedMs = statusOf(keptFolder(store.folder, key))?.mtimeMs ?? 0;
    if (path !== null && (last === null || usedMs > last.usedMs)) last = { path, usedMs };
  }
  return last?.path ?? null;
}
