/** What removals that were cut off have left aside. */

import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { absentAsNull } from './errors.ts';
import { namesIn } from './read.ts';
import { removeWhole } from './remove.ts';

/** A removal that goes on is younger. */
const KEPT_MS = 60 * 60_000;

/** The paths of what has lain in a folder for more than an hour. */
export async function listTrash(trash: string): Promise<readonly string[]> {
  const old: string[] = [];
  for (const name of await namesIn(trash)) {
    const path = join(trash, name);
    const stats = await lstat(path).catch(absentAsNull);
    if (stats !== null && Date.now() - stats.ctimeMs > KEPT_MS) old.push(path);
  }
  return old.toSorted();
}

/** Removes that. What cannot be (it is another account's, say) stays, and keeps nothing else from being removed. */
export async function sweepTrash(trash: string): Promise<void> {
  for (const path of await listTrash(trash)) await removeWhole(path).catch(() => undefined);
}
