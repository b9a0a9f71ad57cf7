/** How much of the disk is below folders that anybody may be changing meanwhile. */

import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 512;
const AT_ONCE = 64;

interface Bounds {
  /** It is looked no further than to where there are more bytes. */
  readonly enough?: number;
  readonly signal?: AbortSignal;
}

/**
 * The bytes that folders and all below them take: as blocks, a file with several names once. Links are not followed; what
 * cannot be looked at counts nothing.
 */
export async function bytesBelow(
  paths: readonly string[],
  { enough = Infinity, signal }: Bounds = {},
): Promise<number> {
  const linked = new Set<string>();
  const left = [...paths];
  let bytes = sum(await Promise.all(paths.map((path) => takenBy(path, linked))));
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    const entries = await entriesOf(folder);
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      if (signal?.aborted === true || bytes > enough) return bytes;
      const sizes = entries.slice(at, at + AT_ONCE).map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        if (entry.isDirectory()) left.push(path);
        return takenBy(path, linked);
      });
      bytes += sum(await Promise.all(sizes));
    }
  }
  return bytes;
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all + size, 0);
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** A sparse file takes no more than what was written of it. */
async function takenBy(path: string, linked: Set<string>): Promise<number> {
  try {
    const { blocks, nlink, dev, ino } = await lstat(path);
    const id = `${dev} ${ino}`;
    if (nlink > 1 && linked.has(id)) return 0;
    if (nlink > 1) linked.add(id);
    return blocks * BLOCK_BYTES;
  } catch {
    return 0;
  }
}
