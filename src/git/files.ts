/**
 * Small file operations that never follow what an agent may have put in the way.
 *
 * A task makes some six hundred of them on this host's own disk. Each takes five microseconds when it is simply done, and
 * sixty to a hundred when it goes through the thread pool, so those that are always small are simply done.
 */

import { randomBytes } from 'node:crypto';
import { execFile } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export function errnoOf(error: unknown): string | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}

/** True of the errors that say that nothing is there. */
function isAbsent(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

export function isNoSpace(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

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

/** The content of a regular file; null when it is absent, a link, something else, or longer than `maxBytes`. */
export async function readRegular(path: string, maxBytes: number): Promise<Buffer | null> {
  return readRegularSync(path, maxBytes);
}

export function readRegularSync(path: string, maxBytes: number): Buffer | null {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stats = fstatSync(file);
      return stats.isFile() && stats.size <= maxBytes ? readFileSync(file) : null;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (isAbsent(error) || errnoOf(error) === 'ELOOP' || errnoOf(error) === 'ENXIO') return null;
    throw error;
  }
}

export async function readText(path: string, maxBytes = 1024 * 1024): Promise<string | null> {
  const content = await readRegular(path, maxBytes);
  return content === null ? null : content.toString('utf8');
}

/**
 * Copies an index file and keeps its time, rounded down: git decides by it which entries it must look at again, and a
 * later time would hide changes made within the same tick of the clock.
 */
export async function copyIndex(from: string, to: string): Promise<boolean> {
  const stats = lstatSync(from, { throwIfNoEntry: false });
  const content = stats === undefined ? null : await readRegular(from, 1024 * 1024 * 1024);
  if (stats === undefined || content === null) return false;
  if (statusOf(to)?.isDirectory() === true) await removeAny(to);
  const temporary = temporaryName(to);
  writeFileSync(temporary, content, { flag: 'wx', mode: 0o600 });
  const seconds = (Math.floor(stats.mtimeMs) - 1) / 1000;
  utimesSync(temporary, seconds, seconds);
  renameSync(temporary, to);
  return true;
}

export function absentAsNull(error: unknown): null {
  if (isAbsent(error)) return null;
  throw error;
}

/** Takes a folder out of its place at once, then removes it: a half-removed one is never seen under its name. */
export async function removeTree(path: string, trash: string): Promise<void> {
  const stats = statusOf(path);
  if (stats === null) return;
  const name = randomBytes(8).toString('hex');
  let aside = join(trash, name);
  try {
    mkdirSync(trash, { recursive: true });
    // Even its owner moves no folder that is closed.
    if (stats.isDirectory() && (stats.mode & 0o700) !== 0o700) chmodSync(path, 0o700);
    try {
      renameSync(path, aside);
    } catch (error) {
      // Somebody has put it on another disk than the trash.
      if (errnoOf(error) !== 'EXDEV') throw error;
      aside = `${path}.${name}.gone`;
      renameSync(path, aside);
    }
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  await removeWhole(aside);
}

/** Removes whatever it is, with all that is in it: also what its owner has closed to itself, such as a read-only cache. */
export async function removeWhole(path: string | Buffer): Promise<void> {
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if (errnoOf(error) === 'ENAMETOOLONG' && typeof path === 'string') {
      // Node goes by whole paths; this program goes from folder to folder.
      await run('rm', ['-rf', '--', path]);
      return;
    }
    if (!isClosed(error)) throw error;
    await openUp(Buffer.from(path));
    await remove();
  }
}

async function openUp(folder: Buffer): Promise<void> {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return;
  chmodSync(folder, 0o700);
  for (const entry of await readdir(folder, { withFileTypes: true, encoding: 'buffer' })) {
    if (entry.isDirectory()) await openUp(Buffer.concat([folder, Buffer.from('/'), entry.name]));
  }
}

function isClosed(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'EACCES' || code === 'EPERM';
}

export async function removeFile(path: string): Promise<void> {
  try {
    unlinkSync(path);
  } catch (error) {
    absentAsNull(error);
  }
}

/** Removes whatever has this name; a folder with all that is in it. */
export async function removeAny(path: string): Promise<void> {
  const status = statusOf(path);
  if (status?.isDirectory() === true) await removeWhole(path);
  else if (status !== null) await removeFile(path);
}

/** Writes a file where there can be anything of that name, a folder too. */
export async function replaceAny(path: string, content: string): Promise<void> {
  if (statusOf(path)?.isDirectory() === true) await removeAny(path);
  await writeAtomic(path, content, 0o644);
}

/** Removes a folder that has nothing in it; any other stays, and so does what is no folder. */
export async function removeEmpty(path: string): Promise<void> {
  try {
    rmdirSync(path);
  } catch (error) {
    const code = errnoOf(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST' && code !== 'ENOTDIR') absentAsNull(error);
  }
}

/** A file's status, of a link itself; null when nothing is there. */
export function statusOf(path: string): Stats | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    return absentAsNull(error);
  }
}

/** Tells a file from another one in its place. */
export async function stampOf(path: string): Promise<string> {
  const stats = statusOf(path);
  return stats === null ? '' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
}

export async function exists(path: string): Promise<boolean> {
  return statusOf(path) !== null;
}

/** The names in a folder; none when there is no such folder. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return readdirSync(folder);
  } catch (error) {
    return absentAsNull(error) ?? [];
  }
}

/** Makes a folder and those above it, where they are not there; `mode` of a new one. */
export function makeFolder(path: string, mode = 0o777): void {
  mkdirSync(path, { recursive: true, mode });
}

export async function makeParent(path: string): Promise<void> {
  makeFolder(dirname(path));
}
