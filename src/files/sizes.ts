/** How much of the disk is below folders that anybody may be changing meanwhile. */

import { lstat, opendir } from 'node:fs/promises';
import { inFolder } from './held-folder.ts';

const BLOCK_BYTES = 512;
const AT_ONCE = 64;
/** A file with several names is known again among so many. */
const MAX_LINKED = 1_000_000;
/** A folder with a longer path is held open, and what lies below is reached from there: no call takes a path of 4,096 bytes. */
const LONG_BYTES = 3_072;
/** So many are held open at the most, one in the other: no tree that anybody works with goes down that far. */
const MAX_HELD = 64;

interface Bounds {
  /** It is looked no further than to where there are more bytes. */
  readonly enough?: number;
  readonly signal?: AbortSignal;
}

/**
 * The bytes that folders and all below them take: as blocks, a file with several names once. Links are not followed; what
 * cannot be looked at counts nothing, and what lies deeper than any program looks counts as more than there can be.
 *
 * Names are bytes, and paths here their bytes in Latin-1: one that is no UTF-8 must not hide what it takes. No folder is
 * listed as a whole: one may have millions of files.
 */
export async function bytesBelow(
  paths: readonly string[],
  { enough = Infinity, signal }: Bounds = {},
): Promise<number> {
  const linked = new Set<string>();
  const tops = paths.map((path) => Buffer.from(path).toString('latin1'));
  let bytes = sum(await Promise.all(tops.map((path) => takenBy(path, linked))));
  const isOver = (): boolean => signal?.aborted === true || bytes > enough;
  const count = async (found: Found[]): Promise<void> => {
    bytes += sum(await Promise.all(found.splice(0).map(({ path }) => takenBy(path, linked))));
  };
  const lookBelow = async (from: readonly string[], held: number): Promise<void> => {
    const left = [...from];
    for (let folder = left.pop(); folder !== undefined && !isOver(); folder = left.pop()) {
      if (folder.length > LONG_BYTES) {
        await hold(folder, held);
        continue;
      }
      const found: Found[] = [];
      for await (const each of entriesOf(folder)) {
        if (each.isFolder) left.push(each.path);
        found.push(each);
        if (found.length < AT_ONCE) continue;
        await count(found);
        if (isOver()) return;
      }
      await count(found);
    }
  };
  const hold = async (folder: string, held: number): Promise<void> => {
    if (held === MAX_HELD) bytes = Infinity;
    else await inFolder(bytesOf(folder), (open) => lookBelow(open === folder ? [] : [open], held + 1)).catch(nothing);
  };
  await lookBelow(tops, 0);
  return bytes;
}

interface Found {
  readonly path: string;
  readonly isFolder: boolean;
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all + size, 0);
}

function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

function nothing(): null {
  return null;
}

async function* entriesOf(folder: string): AsyncGenerator<Found> {
  try {
    const opened = await opendir(bytesOf(folder), { encoding: 'buffer' as BufferEncoding, bufferSize: AT_ONCE });
    for await (const entry of opened) {
      yield { path: `${folder}/${Buffer.from(entry.name).toString('latin1')}`, isFolder: entry.isDirectory() };
    }
  } catch {
    // It is gone, or not for this account to read.
  }
}

/** A sparse file takes no more than what was written of it. */
async function takenBy(path: string, linked: Set<string>): Promise<number> {
  try {
    const { blocks, nlink, dev, ino } = await lstat(bytesOf(path));
    const id = `${dev} ${ino}`;
    if (nlink > 1 && linked.has(id)) return 0;
    if (nlink > 1 && linked.size < MAX_LINKED) linked.add(id);
    return blocks * BLOCK_BYTES;
  } catch {
    return 0;
  }
}
