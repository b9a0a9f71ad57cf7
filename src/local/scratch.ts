/** The homes of processes on this host. */

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parseProjectName, parseTaskId, type ProjectName, type TaskId } from '../core/ids.ts';
import { namesIn } from '../files/read.ts';

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
  for (const folder of await sortedIn(join(home, 'scratch'))) {
    const project = parseProjectName(folder);
    if (project.kind === 'invalid') continue;
    const names = (await sortedIn(join(home, 'scratch', folder))).map((name) => name.replace(/\.tmp$/, ''));
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

async function changeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

async function sortedIn(folder: string): Promise<readonly string[]> {
  return (await namesIn(folder)).toSorted();
}
