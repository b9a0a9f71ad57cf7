/** Writes beside what is there, and puts the whole in its place: never into what an agent may have put in the way. */

import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { statusOf } from './read.ts';
import { removeAny } from './remove.ts';

export function temporaryName(path: string): string {
  return `${path}.${randomBytes(6).toString('hex')}.tmp`;
}

/** Replaces a file as a whole: readers see the old content or the new. */
export async function writeAtomic(path: string, content: string | Buffer, mode = 0o600): Promise<void> {
  const temporary = temporaryName(path);
  try {
    writeFileSync(temporary, content, { flag: 'wx', mode });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** Writes a file where there can be anything of that name, a folder too. */
export async function replaceAny(path: string, content: string): Promise<void> {
  if (statusOf(path)?.isDirectory() === true) await removeAny(path);
  await writeAtomic(path, content, 0o644);
}

/** Makes a folder and those above it, where they are not there; `mode` of a new one. */
export function makeFolder(path: string, mode = 0o777): void {
  mkdirSync(path, { recursive: true, mode });
}

export async function makeParent(path: string): Promise<void> {
  makeFolder(dirname(path));
}
