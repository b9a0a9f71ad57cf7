/**
 * Finishes a landing into a checkout that a kill cut off between the first file and the branch.
 *
 * The checkout's index lock is held throughout, so that the person's own git waits; the files are written by git's
 * one-way merge, which verifies each before it touches it; the branch moves by compare-and-swap, last.
 */

import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { quote, type ObjectId } from '../core/ids.ts';
import type { Candidate, QueueItem } from '../core/queue-types.ts';
import { codeOf } from '../core/thrown.ts';
import { removeFile } from '../files/remove.ts';
import { temporaryName } from '../files/write.ts';
import { mayHide } from './assumed.ts';
import type { CheckedOut } from './checked-out.ts';
import type { Change } from './checkout-state.ts';
import { GitError } from './command.ts';
import type { Git, GitOptions } from './git.ts';
import { listRemote, push } from './origin.ts';
import { readRefsFolder } from './local-origin.ts';
import type { Repository } from './repository.ts';
import { removeStaleLock, removeStaleRefLocks } from './stale-locks.ts';

export interface HalfMade {
  readonly item: QueueItem;
  readonly candidate: Candidate;
  readonly changes: readonly Change[];
}

/** Null when it is finished; else one line that says why it has to wait. */
export async function finishHalfMadeLanding(
  git: Git,
  repository: Repository,
  checkout: CheckedOut,
  halfMade: HalfMade,
): Promise<string | null> {
  await bringObjects(git, repository, halfMade);
  const lock = join(checkout.gitDir, 'index.lock');
  if (!(await takeIndexLock(checkout, lock))) {
    return lockedText(checkout, lock);
  }
  const index = join(checkout.gitDir, 'index.tributary');
  try {
    await setTornAside(checkout, halfMade.changes);
    const hidden = await hiddenIn(git, repository, checkout);
    await writeFiles(git, checkout, index, halfMade, hidden);
    await writeFile(lock, await readFile(index));
    await rename(lock, join(checkout.gitDir, 'index'));
  } catch (error) {
    await removeFile(lock);
    if (!(error instanceof GitError) || error.reason !== 'exit') throw error;
    return `a landing into ${checkout.path} was cut off and cannot be finished: ${quote(error.message)}`;
  } finally {
    await rm(index, { force: true });
    await rm(`${index}.lock`, { force: true });
  }
  const { commit, main } = halfMade.candidate;
  const common = await readRefsFolder(checkout.gitDir);
  const branchRef = `refs/heads/${repository.origin.branch}`;
  const left = [
    ...(await removeStaleRefLocks(common, [branchRef])),
    ...(await removeStaleRefLocks(checkout.gitDir, [])),
  ];
  if (left.length > 0) return lockedText(checkout, left[0] ?? '');
  await git.checkout(['update-ref', '--no-deref', '-m', 'tributary: landed', branchRef, commit, main], {
    gitDir: checkout.gitDir,
  });
  return null;
}

function lockedText({ path }: CheckedOut, lock: string): string {
  return `another git command is at work in ${path}; landing goes on by itself when it has ended (if none is, remove ${lock})`;
}

/** Sees to it that the origin has the candidate's objects, under a ref of the task's own. */
async function bringObjects(git: Git, repository: Repository, halfMade: HalfMade): Promise<void> {
  const { item, candidate } = halfMade;
  const { origin } = repository.origin;
  const ref = `refs/tasks/${item.taskId}/${item.attempt}/landing`;
  const expected: ObjectId | null = (await listRemote(git, repository.gitDir, origin, [ref])).get(ref) ?? null;
  await push(git, repository.gitDir, origin, { updates: [{ ref, id: candidate.commit, expected }], deletions: [] });
}

/** Moves a half-written file out of the way; nothing that was in a checkout is ever deleted. */
async function setTornAside(checkout: CheckedOut, changes: readonly Change[]): Promise<void> {
  for (const { path } of changes.filter((change) => change.onDisk === 'torn')) {
    const aside = join(checkout.gitDir, 'tributary-set-aside');
    await mkdir(aside, { recursive: true });
    await rename(join(checkout.path, path), temporaryName(join(aside, basename(path).slice(0, 100))));
  }
}

/** Paths, as bytes in Latin-1, that a person has git not look at, by the option that says so. */
type Hidden = readonly (readonly ['--skip-worktree' | '--assume-unchanged', readonly string[]])[];

async function hiddenIn(git: Git, { store }: Repository, { path, gitDir }: CheckedOut): Promise<Hidden> {
  if (!mayHide(await readFile(join(gitDir, 'index')), store.algorithm)) return [];
  const { stdout } = await git.checkout(['ls-files', '-v', '-z'], { gitDir, worktree: path });
  const lines = stdout.toString('latin1').split('\0');
  const tagged = (tag: RegExp): string[] => lines.filter((line) => tag.test(line)).map((line) => line.slice(2));
  return [
    ['--skip-worktree', tagged(/^[Ss] /)],
    ['--assume-unchanged', tagged(/^[a-z] /)],
  ];
}

async function writeFiles(
  git: Git,
  checkout: CheckedOut,
  index: string,
  halfMade: HalfMade,
  hidden: Hidden,
): Promise<void> {
  const { candidate, changes } = halfMade;
  const place = { gitDir: checkout.gitDir, worktree: checkout.path, index };
  await git.checkout(['read-tree', candidate.main], place);
  const entries = changes
    .filter((change) => change.onDisk === 'new')
    .map((change) => `${change.newMode === '000000' ? '0' : change.newMode} ${change.newId}\t${change.path}\0`);
  await git.checkout(['update-index', '-z', '--index-info'], { ...place, input: entries.join('') });
  await git.checkout(['update-index', '-q', '--refresh'], { ...place, accept: [1] });
  // Only now: what git does not look at is not refreshed.
  await hide(git, place, hidden);
  await git.checkout(['read-tree', '-m', '-u', candidate.commit], place);
}

async function hide(git: Git, place: GitOptions, hidden: Hidden): Promise<void> {
  if (hidden.length === 0) return;
  const { stdout } = await git.checkout(['ls-files', '-z'], place);
  const present = new Set(stdout.toString('latin1').split('\0'));
  for (const [option, paths] of hidden) {
    const input = paths.flatMap((path) => (present.has(path) ? [`${path}\0`] : [])).join('');
    await git.checkout(['update-index', option, '-z', '--stdin'], { ...place, input: Buffer.from(input, 'latin1') });
  }
}

async function takeIndexLock(checkout: CheckedOut, lock: string): Promise<boolean> {
  for (let round = 0; round < 2; round += 1) {
    try {
      await writeFile(lock, '', { flag: 'wx', mode: 0o644 });
      return true;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    if (!(await removeStaleIndexLock(checkout))) return false;
  }
  return false;
}

/** Removes the checkout's index lock when it is left from a process that died; false when it is in use. */
export function removeStaleIndexLock({ gitDir, path }: CheckedOut): Promise<boolean> {
  return removeStaleLock(join(gitDir, 'index.lock'), [path, gitDir]);
}
