/** Folders that an agent has closed to the account that owns them. */

import { chmodSync } from 'node:fs';
import { statusOf } from './read.ts';

const OWNER = 0o700;

/** Opens a folder to its owner again; whatever else is there, or nothing, stays as it is. */
export function reopen(folder: string | Buffer): void {
  const stats = statusOf(folder);
  if (stats?.isDirectory() !== true || (stats.mode & OWNER) === OWNER) return;
  chmodSync(folder, (stats.mode & 0o777) | OWNER);
}
