/**
 * What a process that died left of its work in a repository of the engine: ref locks, and repositories half made.
 *
 * Kept true here: only who holds the repository's lock file takes anything away, and so is never beside the process
 * whose lock it is. It looks when this process first has the repository, and again after a git that did not end well.
 */

import { readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { absentAsNull } from '../files/errors.ts';
import { namesIn } from '../files/read.ts';
import { removeFile } from '../files/remove.ts';
import { GitError } from './command.ts';
import { tryLockFile } from './lock.ts';
import { mirrorFolder } from './write-repository.ts';

export interface Leftovers {
  /** Runs the work of who holds the repository's lock file, after a look at what others have left. */
  sweptBefore<T>(gitDir: string, work: () => Promise<T>): Promise<T>;
  /** The first time, when nobody holds the lock file: whoever holds it looks by itself. */
  sweepOnce(gitDir: string): Promise<void>;
}

export function createLeftovers(): Leftovers {
  const swept = new Set<string>();
  const sweep = async (gitDir: string): Promise<void> => {
    if (swept.has(gitDir)) return;
    swept.add(gitDir);
    await removeLocks(gitDir);
  };
  return {
    sweptBefore: async (gitDir, work) => {
      await sweep(gitDir);
      try {
        return await work();
      } catch (error) {
        if (error instanceof GitError) swept.delete(gitDir);
        throw error;
      }
    },
    sweepOnce: async (gitDir) => {
      const lock = `${gitDir}.lock`;
      if (swept.has(gitDir) || !(await tryLockFile(lock))) return;
      try {
        await sweep(gitDir);
      } finally {
        await removeFile(lock);
      }
    },
  };
}

/** Locks of refs, and of the files that list them; in the mirror of the refs that the engine alone writes. */
async function removeLocks(gitDir: string): Promise<void> {
  const top = (await namesIn(gitDir)).filter((name) => name.endsWith('.lock')).map((name) => join(gitDir, name));
  const mirrored = gitDir.endsWith('.engine') ? locksBelow(join(mirrorFolder(gitDir), 'refs/remotes')) : [];
  await Promise.all([...top, ...locksBelow(join(gitDir, 'refs')), ...mirrored].map(removeFile));
}

function locksBelow(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return names.filter((name) => name.endsWith('.lock')).map((name) => join(folder, name));
  } catch (error) {
    return absentAsNull(error) ?? [];
  }
}

/** Repositories that were being written when their writer died: they never got their names. */
export async function removeHalfMade(folders: readonly string[]): Promise<void> {
  for (const folder of folders) {
    const isHalfMade = (name: string): boolean => name.startsWith(`${basename(folder)}.`) && name.endsWith('.new');
    for (const name of (await namesIn(dirname(folder))).filter(isHalfMade)) {
      rmSync(join(dirname(folder), name), { recursive: true, force: true });
    }
  }
}
