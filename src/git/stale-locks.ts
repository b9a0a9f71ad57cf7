/**
 * Locks of git in a repository that is not the engine's alone: an origin on this host, and a person's checkout. A git that
 * was killed leaves them, and nobody can write there until they are gone.
 *
 * Kept true here: a lock that is in use is never taken away, however old. It is stale when it has lain for a while, no
 * process has it open, and no git is at work in the repository. Where the kernel does not tell of all processes that may
 * have it, only a very old one is: in a container this is so of folders that others may have as well. A lock belongs to the
 * account that has made it, so that what others run, which is hidden from all but root, may well be hidden.
 */

import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../core/thrown.ts';
import { absentAsNull } from '../files/errors.ts';
import { statusOf } from '../files/read.ts';
import { removeFile } from '../files/remove.ts';

const UNHELD_STALE_MS = 2_000;
const UNKNOWN_STALE_MS = 10 * 60_000;
/** Of the processes of the machine itself: PROC_PID_INIT_INO of Linux. */
const ALL_PROCESSES = 'pid:[4026531836]';

/** Removes a lock file that is left from a process that died; false when it is in use. `folders`: the repository's. */
export async function removeStaleLock(lock: string, folders: readonly string[]): Promise<boolean> {
  const stats = await stat(lock).catch(absentAsNull);
  if (stats === null) return true;
  // Of a file from the future, as after the clock was set back, nothing but its not being new is known.
  const ageMs = Math.abs(Date.now() - stats.mtimeMs);
  const used = ageMs <= UNHELD_STALE_MS ? true : await isInUse(lock, stats.uid, folders);
  if (used ?? ageMs <= UNKNOWN_STALE_MS) return false;
  // To look at all processes takes a while: by now another git may have the lock, of which that look says nothing.
  const now = statusOf(lock);
  if (now !== null && (now.ino !== stats.ino || now.mtimeMs !== stats.mtimeMs)) return false;
  await removeFile(lock);
  return true;
}

/** Removes those of some refs' locks that are stale; those that are left, because they are in use. */
export async function removeStaleRefLocks(gitDir: string, refs: readonly string[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const name of ['HEAD', 'packed-refs', 'reftable/tables.list', ...refs]) {
    const lock = join(gitDir, `${name}.lock`);
    if (!(await removeStaleLock(lock, [gitDir]))) left.push(lock);
  }
  return left;
}

/**
 * Whether a process has the lock open, or is a git at work there (a commit closes the lock while its editor is open, and
 * refs are locked by closed files); null where the kernel does not tell of all processes of the account that has made it.
 */
async function isInUse(lock: string, owner: number, folders: readonly string[]): Promise<boolean | null> {
  const pids = await readdir('/proc').catch(() => null);
  if (pids === null) return null;
  const account = process.geteuid?.();
  let hidden = account !== owner && account !== 0;
  for (const pid of pids.filter((name) => /^\d+$/.test(name))) {
    const folder = `/proc/${pid}`;
    const descriptors = await readdir(`${folder}/fd`).catch(async (error: unknown) => {
      // Agents of keys and the like hide from their own account, too.
      if (codeOf(error) === 'EACCES' && (await isGit(folder)) && (await livesFor(folder, owner))) hidden = true;
      return [];
    });
    if (await isGitIn(folder, folders)) return true;
    for (const descriptor of descriptors) {
      if ((await readlink(join(folder, 'fd', descriptor)).catch(() => '')) === lock) return true;
    }
  }
  return hidden || !(await seesAllOf(lock)) ? null : false;
}

/** Whether every process that can use a file shows here. A container has its own file system to itself, and shares volumes. */
async function seesAllOf(path: string): Promise<boolean> {
  const processes = await readlink('/proc/self/ns/pid').catch(() => '');
  if (processes === ALL_PROCESSES) return true;
  const [file, own] = await Promise.all([stat(path).catch(absentAsNull), stat('/')]);
  return file === null || file.dev === own.dev;
}

async function isGit(process: string): Promise<boolean> {
  return (await readFile(`${process}/comm`, 'utf8').catch(() => '')).startsWith('git');
}

/**
 * Whether a process lives, and an account is one of those that it has: the real, the effective, the saved, and the one that
 * files get. One that has ended is hidden until it is collected, and has nothing open.
 */
async function livesFor(process: string, account: number): Promise<boolean> {
  const status = await readFile(`${process}/status`, 'utf8').catch(() => '');
  if (/^State:\s*[ZX]/m.test(status)) return false;
  return (/^Uid:(.*)$/m.exec(status)?.[1] ?? '').trim().split(/\s+/).includes(String(account));
}

/** Whether a process is a git that is in one of these folders, or was told of one. */
async function isGitIn(process: string, folders: readonly string[]): Promise<boolean> {
  if (!(await isGit(process))) return false;
  const at = await readlink(`${process}/cwd`).catch(() => '');
  if (folders.some((folder) => at === folder || at.startsWith(`${folder}/`))) return true;
  const words = await readFile(`${process}/cmdline`, 'utf8').catch(() => '');
  const settings = await readFile(`${process}/environ`, 'utf8').catch(() => '');
  return [...words.split('\0'), ...settings.split('\0')].some((word) =>
    folders.some((folder) => word === folder || word.endsWith(`=${folder}`)),
  );
}
