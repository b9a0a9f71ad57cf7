/**
 * What set-up has made of main, such as `node_modules`, kept by the hash of its command and the lock files, and laid into
 * gate worktrees so that what a run changes in it is seen by no other run.
 *
 * It owns `<home>/set-ups/<origin>/<key>`: `tree`, and `home`, what set-up left in its HOME (gate-home.ts). Kept true here:
 * what is kept was made of main's files, never of a candidate's, and never changes (N3): a run has a layer over it (overlayfs), a clone (reflink) or a copy. The layer is over the
 * whole worktree, so that the run may remove what it likes.
 */

import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { cp, rename, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { codeOf } from '../core/thrown.ts';
import { reopen, reopenAll } from '../files/closed.ts';
import { absentAsNull } from '../files/errors.ts';
import { namesIn, readText, statusOf } from '../files/read.ts';
import { removeAny, removeEmpty, removeWhole } from '../files/remove.ts';
import { makeFolder, writeAtomic } from '../files/write.ts';
import { mountOver } from './overlay.ts';

const run = promisify(execFile);
const COPY_MS = 30 * 60_000;
/** The newest are kept, and those that were used within a day: a run may be on top of them. */
const KEPT = 4;
const KEPT_MS = 24 * 60 * 60_000;
const TEMPORARY = /\.tmp$/;

export interface SetUpStore {
  readonly folder: string;
  /** Whether overlays may be tried. */
  readonly overlays: { works: boolean };
}

export interface Laid {
  /** Where what a run writes goes, when an overlay can be made. */
  readonly layers: string;
  readonly worktree: string;
}

export function keptFolder(folder: string, key: string): string {
  return join(folder, key);
}

export async function hasSetUp({ folder }: SetUpStore, key: string): Promise<boolean> {
  return statusOf(join(keptFolder(folder, key), 'entries.json'))?.isFile() === true;
}

/**
 * Moves entries of a worktree, paths relative to it, and the HOME in which they were made into the store; those of another
 * run that was faster stay.
 */
export async function keepSetUp(
  store: SetUpStore,
  key: string,
  worktree: string,
  entries: readonly string[],
  home: string | null = null,
): Promise<void> {
  const temporary = join(store.folder, `${key}.${randomBytes(6).toString('hex')}.tmp`);
  makeFolder(join(temporary, 'tree'), 0o700);
  for (const path of entries) {
    const to = join(temporary, 'tree', path);
    makeFolder(dirname(to));
    // Even its owner moves no folder that is closed.
    reopen(join(worktree, path));
    await rename(join(worktree, path), to);
  }
  if (home !== null && (await namesIn(home)).length > 0) await rename(home, join(temporary, 'home'));
  await writeAtomic(join(temporary, 'entries.json'), JSON.stringify(entries));
  try {
    await rename(temporary, keptFolder(store.folder, key));
  } catch (error) {
    const code = codeOf(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    await removeAny(temporary);
  }
  await prune(store, key);
}

/** Lays what is kept into a clean worktree; what the worktree has itself, or has no folder for, is left out. */
export async function laySetUp(store: SetUpStore, key: string, { worktree, layers }: Laid): Promise<void> {
  const folder = keptFolder(store.folder, key);
  const now = new Date();
  await utimes(folder, now, now);
  const tree = join(folder, 'tree');
  const entries = await entriesOf(folder);
  const placed: string[] = [];
  for (const path of entries) if (await hasRoomFor(worktree, path)) placed.push(path);
  // An overlay shows all or nothing.
  if (store.overlays.works && placed.length === entries.length) {
    if (await mountOver(worktree, tree, layers)) return;
    store.overlays.works = false;
  }
  for (const path of placed) await copyTree(join(tree, path), join(worktree, path));
}

async function entriesOf(folder: string): Promise<readonly string[]> {
  const entries: unknown = JSON.parse((await readText(join(folder, 'entries.json'), 16 * 1024 * 1024)) ?? '[]');
  return Array.isArray(entries) ? entries.filter((entry) => typeof entry === 'string') : [];
}

/** A candidate may have a link or a file where main had a folder: nothing is ever written through one. */
async function hasRoomFor(worktree: string, path: string): Promise<boolean> {
  const parts = path.split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return false;
  const parents = parts.slice(0, -1).map((_, at) => join(worktree, ...parts.slice(0, at + 1)));
  if (!parents.every((parent) => statusOf(parent)?.isDirectory() === true)) return false;
  const to = join(worktree, path);
  // Git says nothing of an empty folder that a run has left.
  await removeEmpty(to);
  return statusOf(to) === null;
}

/** Clones where the file system can, and keeps links, modes and times as they are; what `to` has itself stays. */
export async function copyTree(from: string, to: string): Promise<void> {
  if (process.platform === 'linux') {
    for (const reopening of [false, true]) {
      // To root nothing is closed that a set-up has left so, to others it is.
      if (reopening) await reopenAll(from);
      try {
        await run('cp', ['-a', '--reflink=auto', '-T', '--', from, to], { timeout: COPY_MS });
        return;
      } catch {
        // A cp of another make, or none, in the end: done by hand, which says what is wrong.
        await removeAny(to);
      }
    }
  }
  await cp(from, to, {
    recursive: true,
    mode: constants.COPYFILE_FICLONE,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    errorOnExist: true,
    force: false,
  });
}

async function prune({ folder }: SetUpStore, newest: string): Promise<void> {
  const kept: { readonly path: string; readonly usedMs: number }[] = [];
  for (const name of await namesIn(folder)) {
    if (name === newest) continue;
    const path = join(folder, name);
    const usedMs = await stat(path).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    kept.push({ path, usedMs });
  }
  const newestFirst = kept.toSorted((a, b) => b.usedMs - a.usedMs);
  const oldMs = Date.now() - KEPT_MS;
  // What was cut off while it was made counts for nothing.
  const gone = newestFirst.filter((each, at) => each.usedMs < oldMs && (at >= KEPT - 1 || TEMPORARY.test(each.path)));
  for (const { path } of gone) {
    const aside = join(dirname(path), `${randomBytes(6).toString('hex')}.tmp`);
    // Another run may have taken it away meanwhile.
    const isMoved = (await rename(path, aside).catch(absentAsNull)) !== null;
    if (isMoved) await removeWhole(aside);
  }
}
