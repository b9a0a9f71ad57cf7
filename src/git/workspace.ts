/**
 * Makes a task's workspace what an attempt starts from, whatever an earlier attempt or a kill left there.
 *
 * The worktree's own folder in the mirror is written file by file, in git's documented layout, with git only filling
 * the files in: so every half-made state is mended by writing it again, and no git of the engine reads the mirror's
 * configuration (N4). The engine keeps an index of its own, since what an agent did to the worktree's can hide changes.
 */

import { join } from 'node:path';
import type { ObjectId } from '../core/ids.ts';
import type { Checkpoint } from '../core/task-types.ts';
import { codeOf } from '../core/thrown.ts';
import { isNoSpace } from '../files/errors.ts';
import { exists, readText, stampOf, statusOf } from '../files/read.ts';
import { removeAny, removeFile, removeTree } from '../files/remove.ts';
import { makeFolder } from '../files/write.ts';
import { placeAt, type DeskPlace } from './desk.ts';
import { copyIndex } from './index-file.ts';
import { GitError } from './command.ts';
import { ownRepository } from './confined.ts';
import type { MergeDeps } from './declared-merge.ts';
import type { Git } from './git.ts';
import { inspectWorktree } from './inspect.ts';
import { hasCommit, treeOf } from './merge.ts';
import { mergeMain, type MergedMain } from './merge-main.ts';
import { restoreNotes } from './notes.ts';
import { fetchRefs, isAbsentRef, missingBranch, noSpace, problemOf, type Problem } from './origin.ts';
import { isAway } from './outage.ts';
import { adminFolder, gitFileContent, placesOfTask, readState, writeState, type WorkspacePlaces } from './places.ts';
import type { RecentWork } from './recent-work.ts';
import { readRef, taskRef, writeRef } from './refs.ts';
import { mirrorOf, placeOf, type Repositories, type Repository } from './repository.ts';
import { takeOver } from './take-over.ts';
import type { PrepareRequest, PrepareResult, Workspace } from './types.ts';
import { installIndex, writeWorktreeLink } from './worktree-link.ts';
import type { SeenTrees } from './worktree-tree.ts';

interface Untouched {
  readonly head: ObjectId;
  /** Whose notes the task folder has. */
  readonly attempt: number;
  readonly sinceMs: number;
  /** The engine's index as it was then. */
  readonly index: string;
}

// Longer than a task needs from one phase to the next; a workspace that rested longer is looked through again.
const TRUSTED_MS = 5_000;

export interface WorkspaceDeps extends MergeDeps {
  readonly home: string;
  readonly repositories: Repositories;
  readonly recent: RecentWork;
  /** The task's workspaces that are known to be exactly at this commit, with nothing run in them since. */
  readonly untouched: Map<string, Untouched>;
  readonly seenTrees: SeenTrees;
}

interface Start extends MergedMain {
  readonly base: ObjectId;
  readonly checkpoint: Checkpoint | null;
  readonly notes: ObjectId | null;
  readonly unfinished?: Workspace['unfinished'];
}

const UNMERGED = { conflicted: [], anew: null } as const;

export async function prepareWorkspace(deps: WorkspaceDeps, request: PrepareRequest): Promise<PrepareResult> {
  try {
    return await prepare(deps, request);
  } catch (error) {
    const problem = isNoSpace(error)
      ? noSpace()
      : isAbsentRef(error)
        ? missingBranch(request.origin, request.branch)
        : problemOf(error, request.origin);
    if (problem === null) throw error;
    return {
      kind: 'failed',
      ...problem,
      ...((await isAway(deps.repositories, request, error)) ? { isAway: true } : {}),
    };
  }
}

async function prepare(deps: WorkspaceDeps, request: PrepareRequest): Promise<PrepareResult> {
  const opened = await deps.repositories.openMirror(request);
  if (opened.kind === 'failed') return opened;
  const { repository } = opened;
  const start = await findStart(deps, repository, request);
  if ('failure' in start) return { kind: 'failed', ...start };
  const places = placesOfTask(deps.home, request.project, request.taskId);
  // What a cut-off attempt has committed under confinement was never taken in, and is not this one's.
  // Nor what git has left on the desk.
  for (const left of [ownRepository(places.folder), places.desk]) await removeTree(left, join(deps.home, 'trash'));
  const known = deps.untouched.get(request.taskId);
  deps.untouched.delete(request.taskId);
  const fresh =
    start.unfinished === undefined &&
    known?.head === start.start &&
    performance.now() - known.sinceMs < TRUSTED_MS &&
    known.index === (await stampOf(places.index));
  const asStored =
    fresh &&
    request.start.kind === 'checkpoint' &&
    request.start.checkpoint.attempt === known.attempt &&
    (await isIntact(places, repository));
  if (asStored) await markBegun(places, request.attempt);
  else await build(deps, repository, places, start, request);
  const { base, start: commit, conflicted, anew, unfinished } = start;
  const { worktree, taskDir, sessionFile, branch } = places;
  const named = { taskId: request.taskId, worktree, taskDir, sessionFile, branch };
  const found = unfinished === undefined ? {} : { unfinished };
  return { kind: 'ready', workspace: { ...named, base, start: commit, conflicted, anew, ...found } };
}

async function findStart(
  deps: WorkspaceDeps,
  repository: Repository,
  request: PrepareRequest,
): Promise<Start | Problem> {
  const taken = await takeOver(deps, repository, request);
  if (taken !== null) return taken;
  if (request.start.kind === 'main') {
    const main = await deps.repositories.fetchBranch(repository);
    if (main === null) return missingBranch(request.origin, request.branch);
    return { base: main, start: main, ...UNMERGED, checkpoint: null, notes: null };
  }
  const { checkpoint } = request.start;
  const brought = await bringCheckpoint(deps, repository, request, checkpoint);
  if ('failure' in brought) return brought;
  const { notes, lostBase } = brought;
  if (request.start.kind === 'checkpoint' && !lostBase) {
    return { base: checkpoint.base, start: checkpoint.head, ...UNMERGED, checkpoint, notes };
  }
  const main = await deps.repositories.fetchBranch(repository);
  if (main === null) return missingBranch(request.origin, request.branch);
  // Nothing stands on the lost base, so main as it now is serves as well.
  if (lostBase) return { base: main, start: main, ...UNMERGED, checkpoint: null, notes };
  if (main === checkpoint.base) return { base: main, start: checkpoint.head, ...UNMERGED, checkpoint, notes };
  return { base: main, ...(await mergeMain(deps, repository, request, checkpoint.head, main)), checkpoint, notes };
}

/**
 * Makes sure that this host has the checkpoint's objects; its notes' commit, null when it has none, and whether it
 * is nothing but a commit of main that a rewritten main no longer has; or what is wrong.
 */
async function bringCheckpoint(
  deps: WorkspaceDeps,
  repository: Repository,
  request: PrepareRequest,
  checkpoint: Checkpoint,
): Promise<{ readonly notes: ObjectId | null; readonly lostBase: boolean } | Problem> {
  const { gitDir } = repository;
  const { attempt, head } = checkpoint;
  const headRef = taskRef(request.taskId, attempt, 'head');
  const baseRef = taskRef(request.taskId, attempt, 'base');
  const notesRef = taskRef(request.taskId, attempt, 'notes');
  const isBase = head === checkpoint.base;
  const isHere = async (): Promise<boolean> =>
    (await readRef(gitDir, headRef)) === head || (isBase && (await readRef(gitDir, baseRef)) === head);
  if (!(await isHere())) {
    const all = `refs/tasks/${request.taskId}/${attempt}/*`;
    await deps.repositories.exclusively(repository, () =>
      fetchRefs(deps.git, placeOf(repository), request.origin, [`+${all}:${all}`]),
    );
    const has = async (): Promise<boolean> => (await isHere()) || hasCommit(deps.git, repository, head);
    if (isBase && !(await has())) await deps.repositories.fetchBranch(repository);
    if (!(await has())) {
      deps.repositories.suspect(repository, `${head} of ${headRef} cannot be read`);
      if (isBase) return { notes: await readRef(gitDir, notesRef), lostBase: true };
      return {
        failure: 'engine-error',
        message: `the checkpoint ${headRef} is not on the origin any more`,
        next: 'retry the task from the start, or push its commit to that ref again',
      };
    }
  }
  return { notes: await readRef(gitDir, notesRef), lostBase: false };
}

/** Whether the worktree still belongs to the mirror, on the task's branch, with the index that the engine gave it. */
async function isIntact(places: WorkspacePlaces, repository: Repository): Promise<boolean> {
  const admin = adminFolder(mirrorOf(repository), places.taskId);
  const gitFile = await readText(join(places.worktree, '.git'), 4_096);
  const head = await readText(join(admin, 'HEAD'), 4_096);
  const index = sizeOf(places.index);
  const own = sizeOf(join(admin, 'index'));
  const lock = sizeOf(join(admin, 'index.lock'));
  const linked = gitFile === gitFileContent(admin) && head?.trim() === `ref: ${places.branchRef}`;
  return linked && index !== null && index === own && lock === null;
}

async function build(
  deps: WorkspaceDeps,
  repository: Repository,
  places: WorkspacePlaces,
  start: Start,
  request: PrepareRequest,
): Promise<void> {
  const { git, home } = deps;
  const trash = join(home, 'trash');
  const mirror = mirrorOf(repository);
  const admin = adminFolder(mirror, request.taskId);
  const before = await readState(places);
  const link = async (): Promise<void> => {
    makeFolder(places.worktree, 0o700);
    await writeRef(mirror, places.branchRef, start.start);
    await writeWorktreeLink(admin, places.worktree, `ref: ${places.branchRef}\n`);
  };
  const place = { ...placeAt(repository, places.worktree, places.desk, 'new'), writesWorktree: true };
  const content = start.unfinished?.content ?? start.start;
  const reusable = (await exists(places.index)) && (await isPlain(places.worktree));
  if (reusable) {
    await link();
    await copyIndex(places.index, place.index);
  }
  if (!reusable || !(await resetWorktree(git, place, content))) {
    await Promise.all([removeTree(places.worktree, trash), removeTree(admin, trash), removeFile(places.index)]);
    await Promise.all([removeAny(place.index), removeAny(`${place.index}.lock`)]);
    await link();
    await git.local(['read-tree', '--reset', '-u', content], place);
  }
  if (!(await copyIndex(place.index, places.index))) throw new Error(`git has left no index in ${places.desk}`);
  await installIndex(places.index, admin);
  await prepareTaskFolder(deps, repository, places, start, before?.mirror === mirror);
  const notesTree = start.notes === null ? null : await treeOf(git, repository, start.notes);
  await writeState(places, {
    mirror,
    engine: repository.gitDir,
    checkpoint: start.checkpoint,
    notesTree,
    notesCommit: start.notes,
    begun: request.attempt,
  });
}

/** Without a repository below it, without what git would wait at, and without a folder that cannot be read. */
async function isPlain(worktree: string): Promise<boolean> {
  try {
    const { repositories, blocking } = await inspectWorktree(worktree);
    return repositories.length === 0 && blocking.length === 0;
  } catch (error) {
    if (codeOf(error) === 'EACCES' || codeOf(error) === 'ENAMETOOLONG') return false;
    throw error;
  }
}

async function markBegun(places: WorkspacePlaces, attempt: number): Promise<void> {
  const state = await readState(places);
  if (state !== null) await writeState(places, { ...state, begun: attempt });
}

/**
 * Moves a worktree that is there to a commit and removes what is untracked, by git's own rules: what it ignores, such as
 * packages that were installed, stays for the next attempt, unlike in a gate's worktree (foreign.ts). False when it is too
 * broken for that.
 */
async function resetWorktree(git: Git, place: DeskPlace, commit: ObjectId): Promise<boolean> {
  try {
    await removeAny(`${place.index}.lock`);
    await git.local(['read-tree', '--reset', '-u', commit], { ...place, andThen: [['clean', '-ffdq']] });
    return true;
  } catch (error) {
    if (error instanceof GitError && error.reason === 'exit') return false;
    throw error;
  }
}

function sizeOf(path: string): number | null {
  return statusOf(path)?.size ?? null;
}

/** From main nothing of earlier attempts stays; from a checkpoint its artifacts are put back. */
async function prepareTaskFolder(
  deps: WorkspaceDeps,
  repository: Repository,
  places: WorkspacePlaces,
  start: Start,
  sameTask: boolean,
): Promise<void> {
  if ((start.checkpoint === null && start.unfinished === undefined) || !sameTask)
    await removeTree(places.taskDir, join(deps.home, 'trash'));
  await restoreNotes(deps.git, repository, start.notes, places);
}
