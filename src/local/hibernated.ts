/**
 * Which tasks' workspaces this host has given up for as long as they wait: a file each, `<home>/hibernated/<task>`. It is for
 * people, and for whoever cleans up after the task; what a task goes on from is its checkpoint.
 */

import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseProjectName, parseTaskId, type TaskId } from '../core/ids.ts';
import type { Hibernated } from '../core/relief.ts';
import { isRecord } from '../core/text.ts';
import { codeOf } from '../core/thrown.ts';
import { readIfThere } from './home.ts';

const WHY = ['disk', 'count', 'bytes'] as const;
/** Files that are open at once: a process may have some thousands, and as many tasks may wait. */
const AT_ONCE = 16;

export async function noteHibernated(home: string, note: Hibernated): Promise<void> {
  const folder = folderOf(home);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const draft = join(folder, `${note.task}.${process.pid}.draft`);
  try {
    await writeFile(draft, `${JSON.stringify(note)}\n`, { mode: 0o600 });
    await rename(draft, join(folder, note.task));
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}

/** The latest first. */
export async function readHibernated(home: string): Promise<readonly Hibernated[]> {
  const folder = folderOf(home);
  const names = await readdir(folder).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  });
  // A draft that a kill has left is no note of its own: nobody would ever drop it.
  const whole = names.filter((name) => parseTaskId(name).kind === 'ok');
  const notes: Hibernated[] = [];
  for (let first = 0; first < whole.length; first += AT_ONCE) {
    const some = whole.slice(first, first + AT_ONCE).map((name) => readIfThere(join(folder, name)));
    notes.push(...(await Promise.all(some)).flatMap((text) => noteIn(text ?? '') ?? []));
  }
  return notes.toSorted((one, other) => (one.since < other.since ? 1 : -1));
}

export async function dropHibernated(home: string, task: TaskId): Promise<void> {
  await rm(join(folderOf(home), task), { force: true });
}

function folderOf(home: string): string {
  return join(home, 'hibernated');
}

/** Null for what is no note, or not a whole one: it tells nothing that cannot be told without it. */
function noteIn(text: string): Hibernated | null {
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value)) return null;
    const project = parseProjectName(String(value['project']));
    const task = parseTaskId(String(value['task']));
    const why = WHY.find((each) => each === value['why']);
    if (project.kind === 'invalid' || task.kind === 'invalid' || why === undefined) return null;
    return { project: project.value, task: task.value, since: String(value['since']), why };
  } catch {
    return null;
  }
}
