/**
 * The desk of a worktree: the one folder that git may write when it looks at what an agent left there. It has the private
 * indexes, and what git adds while it looks.
 *
 * Kept true (N4): an object leaves the desk only when its content is what its name says; so nothing that git is led to do
 * in its sandbox changes what the repository has.
 */

import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createInflate, inflateSync } from 'node:zlib';
import { PLAIN_OBJECT } from './confined.ts';
import { errnoOf, makeFolder, namesIn, readRegularSync, statusOf } from './files.ts';
import type { HashAlgorithm, ObjectStore } from './objects.ts';
import { placeOf, type Repository } from './repository.ts';

/** Up to here a file is read at once. */
const SMALL_BYTES = 64 * 1024;
const MAX_SMALL_BYTES = 4 * 1024 * 1024;
/** More than the largest file that is stored. */
const MAX_BYTES = 128 * 1024 * 1024;
const AT_ONCE = 256;

/** Where commands look at a worktree with an index of its desk. */
export interface DeskPlace {
  readonly gitDir: string;
  readonly objects: string;
  readonly worktree: string;
  readonly index: string;
  readonly writes: readonly string[];
  readonly reads?: readonly string[];
}

/** @param desk a folder, which is made when it is missing */
export function placeAt(repository: Repository, worktree: string, desk: string, index: string): DeskPlace {
  makeFolder(desk, 0o700);
  return { ...placeOf(repository), worktree, index: join(desk, index), writes: [desk] };
}

/** Runs what adds objects, and takes these into the repository when it has ended. */
export async function addingObjects<T>(
  store: ObjectStore,
  place: DeskPlace,
  add: (place: DeskPlace) => Promise<T>,
): Promise<T> {
  const objects = join(place.writes[0] ?? '', 'objects');
  rmSync(objects, { recursive: true, force: true });
  mkdirSync(join(objects, 'info'), { recursive: true });
  writeFileSync(join(objects, 'info/alternates'), `${store.folder}\n`);
  try {
    const added = await add({ ...place, objects, reads: [store.folder] });
    await adopt(objects, store);
    return added;
  } finally {
    rmSync(objects, { recursive: true, force: true });
  }
}

/** Moves sound objects into the repository. @throws when one is not what its name says */
async function adopt(objects: string, store: ObjectStore): Promise<void> {
  let moved = 0;
  for (const start of await namesIn(objects)) {
    if (!/^[0-9a-f]{2}$/.test(start)) continue;
    for (const rest of await namesIn(join(objects, start))) {
      const path = join(objects, start, rest);
      if (!PLAIN_OBJECT.test(rest) || statusOf(path)?.isFile() !== true) continue;
      if ((await hashOf(path, store.algorithm)) !== start + rest)
        throw new Error(`git has written an object that is not what its name ${start}${rest} says`);
      moveInto(path, join(store.folder, start), rest);
      moved += 1;
      if (moved % AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

function moveInto(path: string, folder: string, name: string): void {
  try {
    renameSync(path, join(folder, name));
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
    mkdirSync(folder, { recursive: true });
    renameSync(path, join(folder, name));
  }
}

/** What the content of a loose object makes its name; null when it cannot be read, or is larger than any that is stored. */
async function hashOf(path: string, algorithm: HashAlgorithm): Promise<string | null> {
  const hash = createHash(algorithm);
  let bytes = 0;
  try {
    const small = readRegularSync(path, SMALL_BYTES);
    if (small !== null) {
      try {
        return hash.update(inflateSync(small, { maxOutputLength: MAX_SMALL_BYTES })).digest('hex');
      } catch (error) {
        // It expands to more than is worth holding in memory.
        if (errnoOf(error) !== 'ERR_BUFFER_TOO_LARGE') throw error;
      }
    }
    await pipeline(createReadStream(path), createInflate(), async (content: AsyncIterable<Buffer>) => {
      for await (const chunk of content) {
        bytes += chunk.length;
        if (bytes > MAX_BYTES) return;
        hash.update(chunk);
      }
    });
    return hash.digest('hex');
  } catch (error) {
    if (bytes > MAX_BYTES || errnoOf(error)?.startsWith('Z_') === true) return null;
    throw error;
  }
}
