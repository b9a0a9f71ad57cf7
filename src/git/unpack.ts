/**
 * Small packs that a fetch has brought, made loose objects: else each fetch would leave a pack, and every git is slower
 * for every pack.
 *
 * Kept true here: an object is there throughout. The pack goes when all that is in it lies beside it, and is made whole
 * by git before that; so a kill leaves both, or one. Done by who holds the repository's lock file.
 */

import { join } from 'node:path';
import { parseObjectId, type ObjectId } from '../core/ids.ts';
import { namesIn, readRegularSync, statusOf } from '../files/read.ts';
import { removeFile } from '../files/remove.ts';
import { GitError } from './command.ts';
import type { Git } from './git.ts';
import { writeObjects, type HashAlgorithm, type RawObject } from './objects.ts';

/** As many as git itself would not have kept in a pack. */
const MAX_OBJECTS = 100;
const MAX_PACK_BYTES = 256 * 1024;
const MAX_CONTENT_BYTES = 16 * 1024 * 1024;
const ENDINGS = ['.idx', '.rev', '.pack'];

/** @param before the names in the folder of packs, before the fetch */
export async function unpackSmall(
  git: Git,
  place: { readonly gitDir: string; readonly objects: string },
  before: readonly string[],
): Promise<void> {
  const folder = join(place.objects, 'pack');
  const known = new Set(before);
  const fresh = (await namesIn(folder)).filter((name) => name.endsWith('.idx') && !known.has(name));
  for (const name of fresh) {
    const path = join(folder, name.slice(0, -'.idx'.length));
    const listed = (statusOf(`${path}.pack`)?.size ?? Infinity) <= MAX_PACK_BYTES ? idsIn(`${path}.idx`) : null;
    const objects = listed === null ? null : await readAll(git, place, listed.ids);
    if (listed === null || objects === null) continue;
    await writeObjects({ folder: place.objects, algorithm: listed.algorithm }, objects);
    // The index first: a pack without one is none to git.
    for (const ending of ENDINGS) await removeFile(path + ending);
  }
}

/** What a pack's index of version 2 lists; null when it is another, or lists many. The format is gitformat-pack(5). */
function idsIn(path: string): { readonly algorithm: HashAlgorithm; readonly ids: readonly ObjectId[] } | null {
  const index = readRegularSync(path, 8 * 1024);
  if (index === null || index.length < 1_032 || index.readUInt32BE(0) !== 0xff744f63 || index.readUInt32BE(4) !== 2) {
    return null;
  }
  const count = index.readUInt32BE(1_028);
  const bytes = [20, 32].find((size) => index.length === 1_032 + count * (size + 8) + 2 * size);
  if (bytes === undefined || count > MAX_OBJECTS) return null;
  const ids: ObjectId[] = [];
  for (let at = 1_032; ids.length < count; at += bytes) {
    const id = parseObjectId(index.toString('hex', at, at + bytes));
    if (id.kind === 'invalid') return null;
    ids.push(id.value);
  }
  return { algorithm: bytes === 32 ? 'sha256' : 'sha1', ids };
}

/** Null when there is more to them than is plain. */
async function readAll(
  git: Git,
  place: { readonly gitDir: string; readonly objects: string },
  ids: readonly ObjectId[],
): Promise<ReadonlyMap<ObjectId, RawObject> | null> {
  const options = { ...place, input: `${ids.join('\n')}\n`, maxOutputBytes: MAX_CONTENT_BYTES };
  let stdout: Buffer;
  try {
    ({ stdout } = await git.local(['cat-file', '--batch'], options));
  } catch (error) {
    if (error instanceof GitError && error.reason === 'too-much-output') return null;
    throw error;
  }
  const objects = new Map<ObjectId, RawObject>();
  let at = 0;
  for (const id of ids) {
    const newline = stdout.indexOf(0x0a, at);
    const [, type, size = ''] = stdout.toString('latin1', at, newline).split(' ');
    if (type !== 'commit' && type !== 'tree' && type !== 'blob') return null;
    objects.set(id, { type, body: stdout.subarray(newline + 1, newline + 1 + Number(size)) });
    at = newline + Number(size) + 2;
  }
  return objects;
}
