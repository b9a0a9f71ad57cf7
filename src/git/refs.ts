/** Refs as git's file format keeps them, read and written without starting git: loose files over packed-refs. */

import { renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseObjectId, type ObjectId } from '../core/ids.ts';
import { codeOf } from '../core/thrown.ts';
import { namesIn, readText, statusOf } from '../files/read.ts';
import { removeAny, removeEmpty, removeFile } from '../files/remove.ts';
import { makeParent } from '../files/write.ts';

const MAX_TRIES = 3;

/** What a ref points at; null when there is no such ref or it is symbolic. */
export async function readRef(gitDir: string, ref: string): Promise<ObjectId | null> {
  const loose = await readText(join(gitDir, ref), 4_096);
  if (loose !== null) {
    const id = parseObjectId(loose.trim());
    return id.kind === 'ok' ? id.value : null;
  }
  const packed = await readText(join(gitDir, 'packed-refs'), 64 * 1024 * 1024);
  if (packed === null) return null;
  const line = packed.split('\n').find((entry) => entry.endsWith(` ${ref}`));
  const id = parseObjectId(line?.split(' ')[0] ?? '');
  return id.kind === 'ok' ? id.value : null;
}

/**
 * Writes a ref by git's own protocol: the lock file, then its rename. The caller is the only writer of this ref, so
 * a lock that is there is left from a process that died, and is taken away.
 */
export async function writeRef(gitDir: string, ref: string, id: ObjectId): Promise<void> {
  await makeWay(gitDir, ref);
  const path = join(gitDir, ref);
  const lock = `${path}.lock`;
  for (let tries = 0; ; tries += 1) {
    try {
      writeFileSync(lock, `${id}\n`, { flag: 'wx', mode: 0o644 });
      break;
    } catch (error) {
      if (tries >= MAX_TRIES) throw error;
      // Whoever deletes a ref beside it may have taken the folder away, which was empty for a moment.
      if (codeOf(error) === 'ENOENT') await makeParent(path);
      else if (codeOf(error) === 'EEXIST') await removeFile(lock);
      else throw error;
    }
  }
  renameSync(lock, path);
}

const TRACKING = 'refs/remotes/';

/**
 * Takes away what stands in the way of a branch of the origin, as this repository is to know it: one that it knew before, and
 * that cannot be beside it, since one's name is a folder of the other's. What of the two the origin has is fetched anew.
 */
export async function makeWay(gitDir: string, ref: string): Promise<void> {
  if (!ref.startsWith(TRACKING)) return;
  for (let above = dirname(ref); above.split('/').length > 3; above = dirname(above)) {
    if (statusOf(join(gitDir, above))?.isFile() === true) await removeFile(join(gitDir, above));
  }
  const path = join(gitDir, ref);
  if (statusOf(path)?.isDirectory() === true) await removeAny(path);
}

/** With the folders that it leaves empty, as git does: every command that lists refs goes through all of them. */
export async function deleteRef(gitDir: string, ref: string): Promise<void> {
  await removeFile(join(gitDir, ref));
  // `refs/tasks` and its like stay.
  for (let folder = dirname(ref); folder.split('/').length > 2; folder = dirname(folder)) {
    await removeEmpty(join(gitDir, folder));
  }
}

/**
 * `work` is there from an attempt's begin until what it left is stored. `base` is this host's own mark of an attempt that
 * changed nothing; the origin has no such ref.
 */
export function taskRef(taskId: string, attempt: number, name: TaskRefName): string {
  return `refs/tasks/${taskId}/${attempt}/${name}`;
}

const NAMES = ['head', 'notes', 'work', 'base'] as const;
type TaskRefName = (typeof NAMES)[number];

interface TaskRef {
  readonly attempt: number;
  readonly ref: string;
  readonly onOrigin: boolean;
}

/** The refs of a task that a repository of this host has, by attempt. */
export async function taskRefsIn(gitDir: string, taskId: string): Promise<readonly TaskRef[]> {
  const folder = join(gitDir, 'refs/tasks', taskId);
  const found: TaskRef[] = [];
  for (const attempt of await namesIn(folder)) {
    if (!/^\d{1,9}$/.test(attempt)) continue;
    const there = await namesIn(join(folder, attempt));
    for (const name of NAMES.filter((each) => there.includes(each))) {
      const number = Number(attempt);
      found.push({ attempt: number, ref: taskRef(taskId, number, name), onOrigin: name !== 'base' });
    }
  }
  return found;
}
