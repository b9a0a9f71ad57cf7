/**
 * Which workspaces processes of this host are at work in, so that none is removed under them by another process: a file for
 * each such process, `<home>/in-use/<task>.<process id>-<serial>`, and a lock file for the moment in which one begins or the
 * workspace goes.
 *
 * Kept true here: a workspace goes only while no living process is at work in it, and none begins meanwhile. Marks of dead
 * processes count for nothing. Several may be at work in one: an attempt that has been taken over from and its successor.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskId } from '../core/ids.ts';
import { namesIn, readText } from '../files/read.ts';
import { removeFile } from '../files/remove.ts';
import { makeFolder } from '../files/write.ts';
import { isOwnerAlive, thisProcess, tryLockFile, withLockFile } from './lock.ts';

let serial = 0;

/** Marks the workspace as in use until what is returned is called. Waits while it is being removed. */
export async function markInUse(home: string, taskId: TaskId): Promise<() => Promise<void>> {
  const folder = folderOf(home);
  serial += 1;
  const mark = join(folder, `${taskId}.${process.pid}-${serial}`);
  await withLockFile(join(folder, `${taskId}.lock`), async () => {
    writeFileSync(mark, thisProcess(), { mode: 0o600 });
  });
  return () => removeFile(mark);
}

/** Does something with a workspace that nobody uses, and that nobody begins to use meanwhile; null when somebody does. */
export async function whileUnused<T>(home: string, taskId: TaskId, work: () => Promise<T>): Promise<T | null> {
  const lock = join(folderOf(home), `${taskId}.lock`);
  if (!(await tryLockFile(lock))) return null;
  try {
    const { used, left } = await marksOf(home, taskId);
    for (const mark of left) await removeFile(mark);
    return used ? null : await work();
  } finally {
    await removeFile(lock);
  }
}

/** Whether a living process is at work in it just now. */
export async function isInUse(home: string, taskId: TaskId): Promise<boolean> {
  return (await marksOf(home, taskId)).used;
}

async function marksOf(
  home: string,
  taskId: TaskId,
): Promise<{ readonly used: boolean; readonly left: readonly string[] }> {
  const folder = folderOf(home);
  const left: string[] = [];
  let used = false;
  for (const name of await namesIn(folder)) {
    if (!name.startsWith(`${taskId}.`) || !/\.\d+-\d+$/.test(name)) continue;
    const owner = await readText(join(folder, name), 4_096);
    if (owner !== null && isOwnerAlive(owner)) used = true;
    else left.push(join(folder, name));
  }
  return { used, left };
}

function folderOf(home: string): string {
  const folder = join(home, 'in-use');
  makeFolder(folder, 0o700);
  return folder;
}
