/**
 * The desk of a worktree: the one folder that git may write when it looks at what an agent left there. It has the private
 * indexes, and what git adds while it looks.
 *
 * Kept true (N4): what lies on a desk is as little trusted as the worktree. No git outside of the sandbox uses an index of a desk;
 * the engine reads plain files there, by folders that it holds open, and copies them; and an object gets into the repository
 * by being written anew, under the name that its content has.
 */

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inflate, inflateSync } from 'node:zlib';
import { parseObjectId, type ObjectId } from '../core/ids.ts';
import { inFolder } from '../files/held-folder.ts';
import { reopen } from '../files/closed.ts';
import { createPace } from '../files/list.ts';
import { exists, namesIn, readRegularSync } from '../files/read.ts';
import { removeTree } from '../files/remove.ts';
import { makeFolder } from '../files/write.ts';
import { PLAIN_OBJECT } from './confined.ts';
import { writeObjects, type ObjectStore, type RawObject } from './objects.ts';
import { placeOf, type Repository } from './repository.ts';

const inflateLarge = promisify(inflate);
/** What is inflated on the event loop, packed and not. */
const SMALL_BYTES = 64 * 1024;
const MAX_SMALL_BYTES = 1024 * 1024;
/** More than the largest file that is stored. */
const MAX_BYTES = 128 * 1024 * 1024;

/** Where commands look at a worktree with an index of its desk. */
export interface DeskPlace {
  readonly gitDir: string;
  readonly objects: string;
  readonly worktree: string;
  readonly index: string;
  readonly desk: string;
  readonly reads?: readonly string[];
}

/** @param desk a folder, which is made when it is missing; the worktree is opened to this account, whoever has closed it */
export function placeAt(repository: Repository, worktree: string, desk: string, index: string): DeskPlace {
  makeFolder(desk, 0o700);
  reopen(worktree);
  return { ...placeOf(repository), worktree, index: join(desk, index), desk };
}

/** Runs what adds objects, and takes these into the repository when it has ended. */
export async function addingObjects<T>(
  { folder, algorithm }: ObjectStore,
  { place, trash }: { readonly place: DeskPlace; readonly trash: string },
  add: (place: DeskPlace) => Promise<T>,
): Promise<T> {
  const objects = mkdtempSync(join(place.desk, 'objects-'));
  mkdirSync(join(objects, 'info'));
  writeFileSync(join(objects, 'info/alternates'), `${folder}\n`);
  try {
    const added = await add({ ...place, objects, reads: [folder] });
    await adopt(objects, { folder, algorithm });
    return added;
  } finally {
    await removeTree(objects, trash);
  }
}

/** Writes sound objects into the repository. @throws when one is not what its name says */
async function adopt(objects: string, store: ObjectStore): Promise<void> {
  const pace = createPace();
  await inFolder(objects, async (top) => {
    for (const start of (await namesIn(top)).filter((name) => /^[0-9a-f]{2}$/.test(name))) {
      await inFolder(join(top, start), async (fan) => {
        for (const rest of (await namesIn(fan)).filter((name) => PLAIN_OBJECT.test(name))) {
          const id = parseObjectId(start + rest);
          if (id.kind === 'invalid' || (await exists(join(store.folder, start, rest)))) continue;
          const object = await readObject(join(fan, rest));
          if (object === null) throw wrong(id.value);
          await writeObjects(store, new Map([[id.value, object]]));
          if (pace.isDue()) await pace.turn();
        }
      });
    }
  });
}

function wrong(id: ObjectId): Error {
  return new Error(`git has written an object that is not what its name ${id} says`);
}

/** Null of what is no object, or a larger one than is stored. */
async function readObject(path: string): Promise<RawObject | null> {
  const packed = readRegularSync(path, MAX_BYTES);
  const whole = packed === null ? null : await expand(packed);
  const [head = '', type, size] = /^(blob|tree|commit) (\d+)\0/.exec(whole?.toString('latin1', 0, 32) ?? '') ?? [];
  if (whole === null || (type !== 'blob' && type !== 'tree' && type !== 'commit')) return null;
  const body = whole.subarray(head.length);
  return body.length === Number(size) ? { type, body } : null;
}

async function expand(packed: Buffer): Promise<Buffer | null> {
  try {
    if (packed.length <= SMALL_BYTES) return inflateSync(packed, { maxOutputLength: MAX_SMALL_BYTES });
  } catch {
    // Larger than that, or not sound: what follows tells.
  }
  try {
    return await inflateLarge(packed, { maxOutputLength: MAX_BYTES });
  } catch {
    return null;
  }
}
