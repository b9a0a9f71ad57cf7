/**
 * What can be told of a worktree that an agent has left without running git in it (N4): a repository below it is
 * enough to make git's own commands run the agent's program.
 */

import { join } from 'node:path';
import { codeOf } from '../core/thrown.ts';
import { reopen } from '../files/closed.ts';
import { createPace, lookThrough, type Listed, type Pace } from '../files/list.ts';
import { readRegular, statusOf } from '../files/read.ts';
import { removeFile } from '../files/remove.ts';

const MAX_MARKED_FILE_BYTES = 64 * 1024 * 1024;
/** No rules that anybody has written are longer. */
const MAX_RULES_BYTES = 1024 * 1024;

/** What stands in git's way in a worktree; paths are bytes, from the worktree on. */
export interface Inspected {
  /** The folders that hold something named `.git`, in any case; what lies below such a folder is not looked at. */
  readonly repositories: readonly Buffer[];
  /**
   * Files by which git goes when it looks at a folder, which it opens and reads before it knows what they are: at a pipe it
   * would wait, and one that is all hole it would read into memory.
   */
  readonly blocking: readonly Buffer[];
}

/** @throws EACCES, or ENAMETOOLONG, when a folder cannot be read */
export async function inspectWorktree(worktree: string): Promise<Inspected> {
  // Names are bytes: one that is no UTF-8 must not hide what lies below it.
  const root = Buffer.from(worktree);
  const repositories: Buffer[] = [];
  const blocking: Buffer[] = [];
  await goThrough(root, async (folder, pace) => {
    const found = await lookAt(folder, pace);
    if (found.hasGit && !(folder === root && found.hasOwnLink)) {
      repositories.push(relative(root, folder));
      return [];
    }
    blocking.push(...found.blocking.map((path) => relative(root, path)));
    return found.folders;
  });
  return { repositories, blocking };
}

/** The first that blocks git, wherever it is: git goes into a folder with a `.git` that is none. */
export async function findBlocking(worktree: string): Promise<Buffer | null> {
  const root = Buffer.from(worktree);
  const found: Buffer[] = [];
  await goThrough(root, async (folder, pace) => {
    const { blocking, folders } = await unlessUnread(() => lookAt(folder, pace));
    found.push(...blocking.map((path) => relative(root, path)));
    return found.length > 0 ? [] : folders;
  });
  return found[0] ?? null;
}

/** Removes all that blocks git from a worktree of which nothing is kept. */
export async function removeBlocking(worktree: string): Promise<void> {
  await goThrough(Buffer.from(worktree), async (folder, pace) => {
    const { blocking, folders } = await unlessUnread(() => {
      reopen(folder);
      return lookAt(folder, pace);
    });
    for (const path of blocking) await removeFile(path);
    return folders;
  });
}

/** Nothing of what this account may not read, or what is too deep for a path: git does not read it either. */
async function unlessUnread(look: () => Promise<Found>): Promise<Pick<Found, 'blocking' | 'folders'>> {
  try {
    return await look();
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EACCES' || code === 'EPERM' || code === 'ENAMETOOLONG') return { blocking: [], folders: [] };
    throw error;
  }
}

/** Folder by folder, level by level. @param look what is to be looked into next */
async function goThrough(
  root: Buffer,
  look: (folder: Buffer, pace: Pace) => Promise<readonly Buffer[]>,
): Promise<void> {
  const pace = createPace();
  let level: readonly Buffer[] = [root];
  while (level.length > 0) {
    const next: Buffer[] = [];
    for (const folder of level) {
      for (const each of await look(folder, pace)) next.push(each);
      if (pace.isDue()) await pace.turn();
    }
    level = next;
  }
}

interface Found {
  readonly folders: readonly Buffer[];
  readonly blocking: readonly Buffer[];
  readonly hasGit: boolean;
  /** By which a worktree belongs to its repository, and nothing else of that name. */
  readonly hasOwnLink: boolean;
}

async function lookAt(folder: Buffer, pace: Pace): Promise<Found> {
  const folders: Buffer[] = [];
  const blocking: Buffer[] = [];
  const links: Buffer[] = [];
  await lookThrough(
    folder,
    ({ name, kind }) => {
      const path = Buffer.concat([folder, SLASH, name]);
      if (isGitName(name)) links.push(name);
      else if (kind === 'folder') folders.push(path);
      else if (isRuleName(name) && isBlocking(path, kind)) blocking.push(path);
      return true;
    },
    pace,
  );
  const hasOwnLink = links.length === 1 && links[0]?.equals(OWN_LINK) === true;
  return { folders, blocking, hasGit: links.length > 0, hasOwnLink };
}

const OWN_LINK = Buffer.from('.git');
const SLASH = Buffer.from('/');
const RULES: ReadonlySet<string> = new Set(['.gitignore', '.gitattributes', '.gitmodules']);

function relative(root: Buffer, path: Buffer): Buffer {
  return path.subarray(root.length + 1);
}

function isGitName(name: Buffer): boolean {
  return name.length === 4 && name.toString('latin1').toLowerCase() === '.git';
}

function isRuleName(name: Buffer): boolean {
  return name[0] === 0x2e && RULES.has(name.toString('latin1').toLowerCase());
}

/** Git follows no link of these names. */
function isBlocking(path: Buffer, kind: Listed['kind']): boolean {
  return kind === 'other' || (kind === 'file' && (statusOf(path)?.size ?? 0) > MAX_RULES_BYTES);
}

/** Those of the files that still have conflict markers. */
export async function findConflictMarkers(worktree: string, files: readonly string[]): Promise<readonly string[]> {
  const marked: string[] = [];
  for (const file of files) {
    const content = await readRegular(join(worktree, file), MAX_MARKED_FILE_BYTES);
    if (content !== null && hasConflictMarkers(content.toString('latin1'))) marked.push(file);
  }
  return marked;
}

/** Either end of a conflict is one too many; what stands between the sides may as well be a heading's underline. */
function hasConflictMarkers(text: string): boolean {
  return /^(?:<{7}|>{7})(?: |\r?$)/m.test(text);
}
