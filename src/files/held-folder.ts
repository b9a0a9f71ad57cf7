/**
 * Folders that somebody else may change at any moment, held open so that none of them can be put in another's place between
 * a look and a read: what is read below a worktree is of that worktree, and never where a link leads (N10).
 */

import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../core/thrown.ts';
import { exists } from './read.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
const BY_NUMBER = '/proc/self/fd';

/**
 * Runs a body with a path of the folder that stays this folder; null when there is no folder, a link among them. Outside
 * Linux, where nothing is confined, the path is its name.
 */
export async function inFolder<T>(path: string | Buffer, body: (folder: string) => Promise<T>): Promise<T | null> {
  let opened: number;
  try {
    opened = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return null;
    throw error;
  }
  try {
    return await body((await exists(BY_NUMBER)) ? join(BY_NUMBER, String(opened)) : path.toString());
  } finally {
    closeSync(opened);
  }
}

/** The same for a folder some levels further down, by its names as bytes in Latin-1. */
export async function inFolderBelow<T>(
  root: string,
  names: readonly string[],
  body: (folder: string) => Promise<T>,
): Promise<T | null> {
  const [name, ...further] = names;
  if (name === undefined) return body(root);
  return inFolder(below(root, name), (folder) => inFolderBelow(folder, further, body));
}

/** The path of a name that is given as bytes in Latin-1. */
export function below(folder: string, name: string): Buffer {
  return Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
}
