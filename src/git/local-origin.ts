/**
 * What plain files tell of an origin that is a folder on this host: a look at a ref costs no process.
 *
 * Only ever read here, and null whenever the files leave a doubt (another ref format, a symbolic ref, a URL that the
 * person's settings send elsewhere): then git is asked over its transport. All writing goes through the origin's own git
 * (send-pack.ts, origin.ts).
 */

import { readdirSync, type Dirent } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ObjectId } from '../core/ids.ts';
import { absentAsNull } from '../files/errors.ts';
import { exists, namesIn, readText } from '../files/read.ts';
import type { Git } from './git.ts';
import { readRef } from './refs.ts';

const LOCK = '.lock';

/** The local folder that an origin names; null for one that is reached over a network. */
export function localPathOf(origin: string): string | null {
  if (origin.startsWith('/')) return origin;
  if (!origin.startsWith('file://')) return null;
  try {
    return fileURLToPath(origin);
  } catch {
    // A file URL of another host is not a folder here.
    return null;
  }
}

/** The git folder behind a `.git`, which is a folder or a file that names one. */
export async function resolveGitDir(dotGit: string): Promise<string> {
  if (!(await stat(dotGit)).isFile()) return dotGit;
  const named = /^gitdir: (.*)$/m.exec(await readFile(dotGit, 'utf8'))?.[1] ?? '';
  return named.startsWith('/') ? named : join(dotGit, '..', named);
}

/** The folder with the refs that a git folder shares with the others of its repository. */
export async function readRefsFolder(gitDir: string): Promise<string> {
  const common = await readText(join(gitDir, 'commondir'), 4_096);
  return common === null ? gitDir : resolve(gitDir, common.trim());
}

/** The folder that a local origin's worktrees share; null when there is none, or git is sent elsewhere for it. */
export async function commonFolderOf(git: Git, origin: string): Promise<string | null> {
  const path = localPathOf(origin);
  if (path === null || (await git.isRewritten(origin))) return null;
  const gitDir = (await exists(join(path, '.git'))) ? await resolveGitDir(join(path, '.git')) : path;
  const folder = await readRefsFolder(gitDir);
  return (await exists(join(folder, 'objects'))) ? folder : null;
}

/** The same where its refs are files; null when they cannot be read so. */
async function refsFolderOf(git: Git, origin: string): Promise<string | null> {
  const folder = await commonFolderOf(git, origin);
  if (folder === null || !(await exists(join(folder, 'refs/heads')))) return null;
  return (await exists(join(folder, 'reftable'))) ? null : folder;
}

/** Whether what a local origin's refs point at can be told without git. */
export async function hasRefFiles(git: Git, origin: string): Promise<boolean> {
  return (await refsFolderOf(git, origin)) !== null;
}

/** What a ref of the origin points at just now; null when that cannot be told without git. */
export async function readOriginRef(git: Git, origin: string, ref: string): Promise<ObjectId | null> {
  const folder = await refsFolderOf(git, origin);
  return folder === null ? null : readRef(folder, ref);
}

/** Whether a local origin is a clone of a part of the history alone; false when that cannot be told without git. */
export async function isShallowFolder(git: Git, origin: string): Promise<boolean> {
  const folder = await refsFolderOf(git, origin);
  return folder !== null && (await exists(join(folder, 'shallow')));
}

/** The refs of tasks that the origin has; null when that cannot be told without git. */
export async function listOriginTaskRefs(
  git: Git,
  origin: string,
  taskIds: readonly string[],
): Promise<readonly string[] | null> {
  const folder = await refsFolderOf(git, origin);
  if (folder === null) return null;
  const found = new Set<string>();
  // Loose ones first: packing writes the packed ones before it takes the loose ones away.
  for (const id of taskIds) {
    for (const name of await filesBelow(join(folder, 'refs/tasks', id))) found.add(`refs/tasks/${id}/${name}`);
  }
  const packed = (await readText(join(folder, 'packed-refs'), 64 * 1024 * 1024)) ?? '';
  const prefixes = taskIds.map((id) => `refs/tasks/${id}/`);
  for (const [, ref = ''] of packed.matchAll(/^[0-9a-f]{40,64} (refs\/tasks\/.*)$/gm)) {
    if (prefixes.some((prefix) => ref.startsWith(prefix))) found.add(ref);
  }
  return [...found];
}

/** The refs of these tasks that are locked; null when that cannot be told without git. */
export async function lockedTaskRefs(
  git: Git,
  origin: string,
  taskIds: readonly string[],
): Promise<{ readonly folder: string; readonly refs: readonly string[] } | null> {
  const folder = await refsFolderOf(git, origin);
  if (folder === null) return null;
  const refs: string[] = [];
  for (const id of taskIds) {
    const names = await filesBelow(join(folder, 'refs/tasks', id), true);
    refs.push(...names.map((name) => `refs/tasks/${id}/${name.slice(0, -LOCK.length)}`));
  }
  return { folder, refs };
}

/** Refs, by their names below a task's folder; or their locks. */
async function filesBelow(folder: string, locks = false): Promise<readonly string[]> {
  const found: string[] = [];
  for (const attempt of await namesIn(folder)) {
    const entries = entriesOf(join(folder, attempt));
    for (const entry of entries) {
      if (entry.isFile() && entry.name.endsWith(LOCK) === locks) found.push(`${attempt}/${entry.name}`);
    }
  }
  return found;
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    return absentAsNull(error) ?? [];
  }
}
