/** The homes of processes on this host, and what removals that were cut off have left aside. */

import { lstat, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseProjectName, parseTaskId, type ProjectName, type TaskId } from '../core/ids.ts';
import { codeOf } from '../core/thrown.ts';

/** A removal that goes on is younger. */
const TRASH_KEPT_MS = 60 * 60_000;

export interface ScratchHome {
  readonly project: ProjectName;
  /** Null: of a project's set-up or gates. */
  readonly task: TaskId | null;
  readonly name: string;
  readonly path: string;
  readonly usedMs: number;
}

/** Of each home one entry, with its folder of temporary files or alone. */
export async function listScratch(home: string): Promise<readonly ScratchHome[]> {
  const found: ScratchHome[] = [];
  for (const folder of await namesIn(join(home, 'scratch'))) {
    const project = parseProjectName(folder);
    if (project.kind === 'invalid') continue;
    const names = (await namesIn(join(home, 'scratch', folder))).map((name) => name.replace(/\.tmp$/, ''));
    for (const name of new Set(names)) {
      const path = join(home, 'scratch', folder, name);
      const task = parseTaskId(name);
      const times = await Promise.all([path, `${path}.tmp`].map(changeOf));
      const usedMs = Math.max(...times);
      found.push({ project: project.value, task: task.kind === 'ok' ? task.value : null, name, path, usedMs });
    }
  }
  return found;
}

/** What lies aside for more than an hour. */
export async function listTrash(home: string): Promise<readonly string[]> {
  const folder = join(home, 'trash');
  const old: string[] = [];
  for (const name of await namesIn(folder)) {
    const stats = await lstat(join(folder, name)).catch(() => null);
    if (stats !== null && Date.now() - stats.ctimeMs > TRASH_KEPT_MS) old.push(join(folder, name));
  }
  return old;
}

async function changeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).toSorted();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return [];
    throw error;
  }
}
