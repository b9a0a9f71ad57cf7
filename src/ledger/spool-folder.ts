/**
 * The folder of one spool, and what dead ones left beside it.
 *
 * Owns `<spool>/<pid>-<start>-<random>`: each process has a folder of its own, so that two workers of one home do not
 * ship each other's growing files. A folder whose process is gone (by id and start time, so that an id used again does
 * not count) is taken over whole, by one rename: of two that try, one gets it.
 */

import { codeOf } from '../core/thrown.ts';
import { randomBytes } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isAlive, startOf } from '../files/living.ts';

/** The start is 0 where it was not known. */
const OWNED = /^(\d+)-(\d+)-[0-9a-f]+$/;
const FREE = /^free-[0-9a-f]+$/;
const CLAIMED = 'claimed';

export interface SpoolFolder {
  readonly path: string;
  /** Names of files that others left, now in this folder. */
  readonly adopted: readonly string[];
  /** Gives the folder up to whoever comes next; removes it when it is empty. */
  release(): Promise<void>;
}

export async function takeSpoolFolder(spool: string): Promise<SpoolFolder> {
  const path = join(spool, `${process.pid}-${startOf(process.pid) ?? '0'}-${randomName()}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  for (const name of await readdir(spool)) {
    if (name === basename(path) || !isLeft(name)) continue;
    await ignoring('ENOENT', () => rename(join(spool, name), join(path, `${CLAIMED}-${randomName()}`)));
  }
  return {
    path,
    adopted: await flatten(path),
    async release() {
      if ((await readdir(path)).length === 0) await rmdir(path);
      else await rename(path, join(spool, `free-${randomName()}`));
    },
  };
}

export interface SpoolSeen {
  readonly name: string;
  /** The living process that ships it; null: whoever comes next takes it over. */
  readonly pid: number | null;
  readonly files: number;
}

/** The folders of a host's spool. */
export async function listSpool(spool: string): Promise<readonly SpoolSeen[]> {
  const names = (await ignoring('ENOENT', () => readdir(spool))) ?? [];
  const seen = names.toSorted().map(async (name): Promise<SpoolSeen> => {
    const [, pid] = OWNED.exec(name) ?? [];
    const entries = await readdir(join(spool, name), { recursive: true, withFileTypes: true }).catch(() => []);
    const files = entries.filter((entry) => entry.isFile()).length;
    return { name, pid: pid === undefined || isLeft(name) ? null : Number(pid), files };
  });
  return Promise.all(seen);
}

/** Removes a folder that nobody has, and nothing is in; false when that is not so by now. */
export async function removeEmptySpool(spool: string, name: string): Promise<boolean> {
  if (!isLeft(name)) return false;
  return rmdir(join(spool, name)).then(
    () => true,
    () => false,
  );
}

/** Moves the files of claimed folders, and of those that they had claimed, up into the folder. */
async function flatten(path: string): Promise<readonly string[]> {
  const adopted: string[] = [];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    await rename(join(entry.parentPath, entry.name), join(path, entry.name));
    adopted.push(entry.name);
  }
  for (const name of await readdir(path)) {
    if (name.startsWith(CLAIMED)) await rm(join(path, name), { recursive: true });
  }
  return adopted.toSorted();
}

function isLeft(name: string): boolean {
  if (FREE.test(name)) return true;
  const [, pid, start = ''] = OWNED.exec(name) ?? [];
  if (pid === undefined) return false;
  return !isAlive(Number(pid), start);
}

/** Writes a file so that it is there whole or not at all. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.draft`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

/** What the work gives; null when it failed with this code. */
export async function ignoring<T>(code: string, work: () => T | Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) === code) return null;
    throw error;
  }
}

function randomName(): string {
  return randomBytes(4).toString('hex');
}
