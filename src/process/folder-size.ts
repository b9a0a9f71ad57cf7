/** How much of the disk is below folders that anybody may be changing meanwhile. */

import type { Dirent } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const BLOCK_BYTES = 512;
const AT_ONCE = 64;

/**
 * The bytes that the files below these folders take; no further than to where they are more than `enough`. Links are not
 * followed, and what cannot be looked at counts nothing.
 */
export async function writtenBelow(folders: readonly string[], enough: number, signal: AbortSignal): Promise<number> {
  let bytes = 0;
  const left = [...folders];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    const entries = await entriesOf(folder);
    for (let at = 0; at < entries.length; at += AT_ONCE) {
      if (signal.aborted || bytes > enough) return bytes;
      const sizes = entries.slice(at, at + AT_ONCE).map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        if (entry.isDirectory()) left.push(path);
        return takenBy(path);
      });
      for (const size of await Promise.all(sizes)) bytes += size;
    }
  }
  return bytes;
}

async function entriesOf(folder: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** A sparse file takes no more than what was written of it. */
async function takenBy(path: string): Promise<number> {
  try {
    return (await lstat(path)).blocks * BLOCK_BYTES;
  } catch {
    return 0;
  }
}
