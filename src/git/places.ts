/** Where a task's workspace lies on this host, and what the engine remembers of it between attempts. */

import { join } from 'node:path';
import type { ObjectId, ProjectName, TaskId } from '../core/ids.ts';
import type { Checkpoint } from '../core/task-types.ts';
import { readText } from '../files/read.ts';
import { writeAtomic } from '../files/write.ts';

export interface WorkspacePlaces {
  readonly taskId: TaskId;
  readonly folder: string;
  readonly worktree: string;
  readonly taskDir: string;
  readonly sessionFile: string;
  /** The engine's own index of the worktree: no agent writes it. */
  readonly index: string;
  /** What git may write when it looks at the worktree. */
  readonly desk: string;
  readonly state: string;
  readonly branch: string;
  readonly branchRef: string;
}

export function placesOfTask(home: string, project: ProjectName, taskId: TaskId): WorkspacePlaces {
  const folder = join(home, 'workspaces', project, taskId);
  return {
    taskId,
    folder,
    worktree: join(folder, 'worktree'),
    taskDir: join(folder, 'task'),
    sessionFile: join(folder, 'session.jsonl'),
    index: join(folder, 'index'),
    desk: join(folder, 'desk'),
    state: join(folder, 'state.json'),
    branch: `tasks/${taskId}`,
    branchRef: `refs/heads/tasks/${taskId}`,
  };
}

/** The worktree's own folder in the mirror. */
export function adminFolder(mirror: string, name: string): string {
  return join(mirror, 'worktrees', name);
}

/** What the worktree's `.git` file says, and has to go on saying. */
export function gitFileContent(admin: string): string {
  return `gitdir: ${admin}\n`;
}

export interface WorkspaceState {
  readonly mirror: string;
  readonly engine: string;
  /** The last checkpoint that this workspace was made from or stored as; null before the first. */
  readonly checkpoint: Checkpoint | null;
  /** The tree of that checkpoint's notes. */
  readonly notesTree: ObjectId | null;
  readonly notesCommit: ObjectId | null;
  /** The attempt that has begun here and is not stored: what it leaves may be nowhere else (N8). */
  readonly begun?: number;
}

/** What was remembered; null when there is nothing or it cannot be read. */
export async function readState(places: WorkspacePlaces): Promise<WorkspaceState | null> {
  const text = await readText(places.state);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isState(value) ? value : null;
  } catch {
    // A file that is no JSON is as good as none: everything in it can be found again.
    return null;
  }
}

export async function writeState(places: WorkspacePlaces, state: WorkspaceState): Promise<void> {
  await writeAtomic(places.state, JSON.stringify(state));
}

function isState(value: unknown): value is WorkspaceState {
  return (
    typeof value === 'object' &&
    value !== null &&
    'mirror' in value &&
    typeof value.mirror === 'string' &&
    'engine' in value &&
    typeof value.engine === 'string' &&
    'checkpoint' in value &&
    'notesTree' in value &&
    'notesCommit' in value
  );
}
