/**
 * What an attempt left that is too large to be stored. It is looked for before git reads it: a file that is all hole costs
 * nothing to make, hours to read, and its whole size in each worktree that is made of it.
 */

import { lstatSync } from 'node:fs';
import { quote, type ObjectId } from '../core/ids.ts';
import { createPace, lookThrough } from '../files/list.ts';
import { addingObjects, type DeskPlace } from './desk.ts';
import type { Git } from './git.ts';
import { objectId } from './merge.ts';
import type { ObjectStore } from './objects.ts';
import type { Problem } from './origin.ts';

/** Of one file; more, and no forge takes it either. */
const MAX_STORED_BYTES = 100 * 1024 * 1024;
/** A worktree of more files is for git to list. */
const FEW = 2_000;
/** Files as young as the index are compared: `add` would write the objects of them all again. */
const REFRESH = ['update-index', '-q', '--unmerged', '--refresh'];

/** Takes all that is in a worktree into the index, unless it is too large; the tree that it is. @param maxBytes of all files together */
export async function addAll(
  git: Git,
  store: ObjectStore,
  at: { readonly place: DeskPlace; readonly trash: string },
  maxBytes = Infinity,
): Promise<Problem | ObjectId> {
  const large = await findTooLarge(git, at.place, maxBytes);
  if (large !== null) return large;
  return addingObjects(store, at, async (place) => {
    const { stdout } = await git.local(REFRESH, { ...place, andThen: [['add', '-A'], ['write-tree']] });
    return objectId(stdout.toString('latin1').trim());
  });
}

async function findTooLarge(git: Git, place: DeskPlace, maxBytes: number): Promise<Problem | null> {
  const { worktree } = place;
  if ((await sizeOfFew(worktree)) <= Math.min(MAX_STORED_BYTES, maxBytes)) return null;
  const { stdout } = await git.local(['ls-files', '-z', '--others', '--modified', '--exclude-standard'], place);
  const sizes: Size[] = [];
  const pace = createPace();
  let from = 0;
  for (let end = stdout.indexOf(0, from); end >= 0; end = stdout.indexOf(0, from)) {
    const name = stdout.subarray(from, end);
    sizes.push({ name: name.toString('utf8'), bytes: sizeOf(Buffer.concat([Buffer.from(`${worktree}/`), name])) });
    from = end + 1;
    if (pace.isDue()) await pace.turn();
  }
  return judgeSizes(sizes, maxBytes);
}

export interface Size {
  readonly name: string;
  readonly bytes: number;
}

/** The same of what is known by name and size. */
export function judgeSizes(sizes: readonly Size[], maxBytes: number): Problem | null {
  const large = sizes.find(({ bytes }) => bytes > MAX_STORED_BYTES);
  if (large !== undefined) {
    return tooLarge(
      `${quote(large.name)} has ${megabytes(large.bytes)}; a file that is stored has at most ${megabytes(MAX_STORED_BYTES)}`,
    );
  }
  const sum = sizes.reduce((bytes, each) => bytes + each.bytes, 0);
  if (sum <= maxBytes) return null;
  return tooLarge(
    `what was changed has ${megabytes(sum)}; the limits: of this host's host.yaml allow ${megabytes(maxBytes)}`,
  );
}

function tooLarge(message: string): Problem {
  return { failure: 'unstorable-files', message, next: 'remove it, or put it into .gitignore' };
}

/** All that the files of a small folder seem to have; Infinity when it is not that small. */
async function sizeOfFew(folder: string): Promise<number> {
  const left = [Buffer.from(folder)];
  let [bytes, files] = [0, 0];
  for (let at = left.pop(); at !== undefined; at = left.pop()) {
    const top = at;
    // Names are bytes: one that is no UTF-8 must not hide how large it is.
    await lookThrough(top, ({ name, kind }) => {
      files += 1;
      const path = Buffer.concat([top, Buffer.from('/'), name]);
      if (kind === 'folder') left.push(path);
      else bytes += sizeOf(path);
      return files <= FEW;
    });
    if (files > FEW) return Infinity;
  }
  return bytes;
}

function sizeOf(path: Buffer): number {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isFile() === true ? stats.size : 0;
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_048_576)} MiB`;
}
