/**
 * What can be told of a worktree that an agent has left without running git in it (N4): a repository below it is
 * enough to make git's own commands run the agent's program.
 */

import { readdirSync, type Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { absentAsNull } from '../files/errors.ts';
import { readRegular } from '../files/read.ts';

const MAX_MARKED_FILE_BYTES = 64 * 1024 * 1024;

/**
 * The folders below the worktree, by their names from there, that hold something named `.git`, in any case; what lies
 * below such a folder is not looked at.
 *
 * @throws EACCES when a folder cannot be read
 */
export async function findNestedRepositories(worktree: string): Promise<readonly Buffer[]> {
  // Names are bytes: one that is no UTF-8 must not hide what lies below it.
  const root = Buffer.from(worktree);
  const found: Buffer[] = [];
  let level: readonly Buffer[] = [root];
  while (level.length > 0) {
    const listed = await Promise.all(
      level.map(async (folder) => ({
        folder,
        entries: (await (level.length <= FEW ? list(folder) : listMany(folder))) ?? [],
      })),
    );
    const next: Buffer[] = [];
    for (const { folder, entries } of listed) {
      if (entries.some(({ name }) => isGitName(name) && !(folder === root && name.equals(OWN_LINK)))) {
        found.push(folder.subarray(root.length + 1));
        continue;
      }
      for (const entry of entries) {
        if (entry.isDirectory()) next.push(Buffer.concat([folder, SLASH, entry.name]));
      }
    }
    level = next;
  }
  return found;
}

/** So many folders are listed at one go: that takes less time than to ask the thread pool. */
const FEW = 64;

function list(folder: Buffer): Dirent<Buffer>[] | null {
  try {
    return readdirSync(folder, { withFileTypes: true, encoding: 'buffer' });
  } catch (error) {
    return absentAsNull(error);
  }
}

function listMany(folder: Buffer): Promise<Dirent<Buffer>[] | null> {
  return readdir(folder, { withFileTypes: true, encoding: 'buffer' }).catch(absentAsNull);
}

const OWN_LINK = Buffer.from('.git');
const SLASH = Buffer.from('/');

function isGitName(name: Buffer): boolean {
  return name.length === 4 && name.toString('latin1').toLowerCase() === '.git';
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
