/** Copies of index files. */

import { lstatSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { readRegular, statusOf } from '../files/read.ts';
import { removeAny } from '../files/remove.ts';
import { temporaryName } from '../files/write.ts';

const MAX_BYTES = 1024 * 1024 * 1024;

/**
 * Copies an index file and keeps its time, rounded down: git decides by it which entries it must look at again, and a
 * later time would hide changes made within the same tick of the clock.
 *
 * @returns false when there is none
 */
export async function copyIndex(from: string, to: string): Promise<boolean> {
  const stats = lstatSync(from, { throwIfNoEntry: false });
  const content = stats === undefined ? null : await readRegular(from, MAX_BYTES);
  if (stats === undefined || content === null) return false;
  if (statusOf(to)?.isDirectory() === true) await removeAny(to);
  const temporary = temporaryName(to);
  writeFileSync(temporary, content, { flag: 'wx', mode: 0o600 });
  const seconds = (Math.floor(stats.mtimeMs) - 1) / 1000;
  utimesSync(temporary, seconds, seconds);
  renameSync(temporary, to);
  return true;
}
