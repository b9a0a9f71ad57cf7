/**
 * Stores what an attempt left: checks it, commits what is uncommitted, and pushes the checkpoint.
 *
 * Nothing that the agent wrote is run (N4): what it can have planted is looked for with plain file reads, and git then
 * runs with the engine's own git folder, the mirror's objects and a private copy of the index. A ref of the origin is
 * only ever written where nothing was, or over what this very attempt put there.
 */

import { join } from 'node:path';
import { quote, type ObjectId, type TaskId } from '../core/ids.ts';
import type { Checkpoint } from '../core/task-types.ts';
import { reopenAll } from '../files/closed.ts';
import { isNoSpace } from '../files/errors.ts';
import { readText, stampOf } from '../files/read.ts';
import { removeAny, removeFile } from '../files/remove.ts';
import { makeFolder } from '../files/write.ts';
import { assumeNothing } from './assumed.ts';
import { GitError } from './command.ts';
import { ownRepository, takeIn } from './confined.ts';
import { placeAt } from './desk.ts';
import type { Git } from './git.ts';
import { copyIndex } from './index-file.ts';
import { findConflictMarkers, inspectWorktree } from './inspect.ts';
import { addAll } from './large.ts';
import { isAncestor, rememberTree, treeOf } from './merge.ts';
import { firstInReach } from './nested.ts';
import { writeNotesTree } from './notes.ts';
import { writeCommit, type RawObject } from './objects.ts';
import { noSpace, problemOf, type Problem } from './origin.ts';
import { adminFolder, gitFileContent, placesOfTask, readState, writeState, type WorkspacePlaces } from './places.ts';
import { commitNotes, pushCheckpoint } from './push-checkpoint.ts';
import { readRef, writeRef } from './refs.ts';
import { mirrorOf, placeOf, type Repository } from './repository.ts';
import { findUnusableName } from './storable-names.ts';
import { blocksGit, conflictMarkers, failed, isClosed, notAlone, unreadable } from './store-refusals.ts';
import type { StoreRequest, StoreResult, Workspace } from './types.ts';
import { isUnchanged, listsTheSame } from './unchanged.ts';
import type { WorkspaceDeps } from './workspace.ts';
import { installIndex } from './worktree-link.ts';

interface Left {
  readonly head: ObjectId;
  readonly tree: ObjectId;
}

type Outcome<T> = { readonly kind: 'ok'; readonly value: T } | ({ readonly kind: 'failed' } & Problem);

export async function storeWorkspace(
  deps: WorkspaceDeps,
  repository: Repository,
  request: StoreRequest,
): Promise<StoreResult> {
  try {
    return await store(deps, repository, request).catch(async (error: unknown) => {
      if (!isClosed(error)) throw error;
      // Of files that are its own only this account is kept out, and what git stores has no such modes.
      await reopenLeft(deps, repository, request);
      return store(deps, repository, request);
    });
  } catch (error) {
    const problem = isNoSpace(error) ? noSpace() : (unreadable(error) ?? problemOf(error, request.origin));
    if (problem === null) throw error;
    return { kind: 'failed', ...problem };
  }
}

/** Opens all that an agent may have closed: its files, and what it has of the repository. */
async function reopenLeft(deps: WorkspaceDeps, repository: Repository, request: StoreRequest): Promise<void> {
  const places = placesOfTask(deps.home, request.project, request.workspace.taskId);
  const admin = adminFolder(mirrorOf(repository), places.taskId);
  for (const folder of [places.worktree, places.taskDir, admin, ownRepository(places.folder)]) await reopenAll(folder);
}

async function store(deps: WorkspaceDeps, repository: Repository, request: StoreRequest): Promise<StoreResult> {
  const { workspace } = request;
  deps.untouched.delete(workspace.taskId);
  const places = placesOfTask(deps.home, request.project, workspace.taskId);
  const admin = adminFolder(mirrorOf(repository), workspace.taskId);
  // What is on another branch is left where it is: taking in takes the task's branch alone.
  const strayed = await findStrayed(places, admin);
  if (strayed !== null) return strayed;
  const taken = await takeIn(deps, repository, places, join(deps.home, 'trash'), request.maxBytes ?? Infinity);
  if (taken !== null) return { kind: 'failed', ...taken };
  if (request.filesOnly === true) await forgetCommits(repository, places, workspace);
  const agentHead = await checkBelongings(deps.git, places, repository, workspace.start);
  if (agentHead.kind === 'failed') return agentHead;
  const marked = await findConflictMarkers(places.worktree, workspace.conflicted);
  if (marked.length > 0) return conflictMarkers(marked);
  const left = await commitLeft(deps, repository, places, request, agentHead.value);
  if (left.kind === 'failed') return left;
  const { head, tree } = left.value;

  const before = await readState(places);
  const written = new Map<ObjectId, RawObject>();
  const store = { ...repository.store, written };
  const notesTree = await writeNotesTree(store, places, request.session ?? null);
  const old = before?.checkpoint ?? null;
  const isSame = old?.head === head && old.base === workspace.base && before?.notesTree === notesTree;
  // What has no changes is not handed off.
  if (before !== null && isSame && (request.anew !== true || head === workspace.base)) {
    const { begun: _, ...state } = before;
    await writeState(places, state);
    await rememberUntouched(deps, places, workspace.taskId, old);
    return { kind: 'stored', checkpoint: old };
  }
  const notes = await commitNotes(
    store,
    request,
    notesTree,
    before?.notesTree === notesTree ? before.notesCommit : null,
  );
  const pushed = await pushCheckpoint(deps, repository, request, { head, notes, written });
  if (pushed !== null) return { kind: 'failed', ...pushed };
  const baseTree = head === workspace.base ? tree : await treeOf(deps.git, repository, workspace.base);
  const checkpoint: Checkpoint = { base: workspace.base, head, attempt: request.attempt, changed: tree !== baseTree };
  await writeState(places, {
    mirror: mirrorOf(repository),
    engine: repository.gitDir,
    checkpoint,
    notesTree,
    notesCommit: notes,
  });
  await rememberUntouched(deps, places, workspace.taskId, checkpoint);
  return { kind: 'stored', checkpoint };
}

/** As if the agent had committed nothing, and added nothing to the index: all of its files are looked at. */
async function forgetCommits(repository: Repository, places: WorkspacePlaces, workspace: Workspace): Promise<void> {
  const mirror = mirrorOf(repository);
  await writeRef(mirror, places.branchRef, workspace.start);
  for (const index of [join(adminFolder(mirror, workspace.taskId), 'index'), places.index]) await removeFile(index);
}

async function rememberUntouched(
  deps: WorkspaceDeps,
  places: WorkspacePlaces,
  taskId: TaskId,
  { head, attempt }: Checkpoint,
): Promise<void> {
  deps.untouched.set(taskId, { head, attempt, sinceMs: performance.now(), index: await stampOf(places.index) });
}

/** Null when the worktree is on the task's branch. */
async function findStrayed(places: WorkspacePlaces, admin: string): Promise<ReturnType<typeof failed> | null> {
  const head = (await readText(join(admin, 'HEAD'), 4_096))?.trim() ?? '';
  if (head !== `ref: ${places.branchRef}`) {
    const where = head.startsWith('ref: ')
      ? head.slice('ref: '.length).replace(/^refs\/heads\//, '')
      : `detached at ${head}`;
    return failed(
      'wrong-branch',
      `the worktree is on ${quote(where)}, not on ${places.branch}`,
      `work on ${places.branch}`,
    );
  }
  return null;
}

/** Where the agent left the branch, after what needs no git to be seen. */
async function checkBelongings(
  git: Git,
  places: WorkspacePlaces,
  repository: Repository,
  start: ObjectId,
): Promise<Outcome<ObjectId>> {
  const mirror = mirrorOf(repository);
  const admin = adminFolder(mirror, places.taskId);
  const link = await readText(join(places.worktree, '.git'), 4_096);
  if (link !== gitFileContent(admin)) {
    return failed(
      'nested-repository',
      'the worktree is no longer the one that the engine made: its .git was changed',
      'leave .git alone',
    );
  }
  const id = await readRef(mirror, places.branchRef);
  const { repositories, blocking } = await inspectWorktree(places.worktree);
  const [block] = blocking;
  if (block !== undefined) return { kind: 'failed', ...blocksGit(block) };
  const place = { worktree: places.worktree, agentIndex: join(admin, 'index') };
  const nested = await firstInReach(git, repository, place, id ?? start, repositories);
  if (nested !== null) {
    return failed(
      'nested-repository',
      `a git repository lies inside the worktree: ${quote(join(nested.toString('utf8'), '.git'))}`,
      'remove it, or make it elsewhere or in a folder that .gitignore names',
    );
  }
  if (id === null) {
    return failed(
      'wrong-branch',
      `the branch ${places.branch} points at no commit`,
      `work on ${places.branch}; start was ${start}`,
    );
  }
  return { kind: 'ok', value: id };
}

/** Commits what is in the worktree, if that is not the head's tree already. */
async function commitLeft(
  deps: WorkspaceDeps,
  repository: Repository,
  places: WorkspacePlaces,
  request: StoreRequest,
  agentHead: ObjectId,
): Promise<Outcome<Left>> {
  const { git } = deps;
  const { start } = request.workspace;
  const mirror = mirrorOf(repository);
  const admin = adminFolder(mirror, request.workspace.taskId);
  if (!(await isAncestor(git, repository, start, agentHead))) {
    return failed(
      'unrelated-history',
      `${places.branch} does not descend from where the attempt began (${start})`,
      'add commits; do not reset, rebase or amend what was there',
    );
  }
  const { only } = request;
  if (only !== undefined && agentHead !== start) return notAlone(['a commit of its own']);
  const unusable = agentHead === start ? null : await findUnusableName(git, repository, start, agentHead);
  if (unusable !== null)
    return failed('unstorable-files', unusable, 'commit fewer files, with names of at most 255 bytes');
  const headTree = await treeOf(git, repository, agentHead);
  if (agentHead === start && (await isAsGiven(repository, places, headTree, join(admin, 'index')))) {
    await installIndex(places.index, admin);
    return { kind: 'ok', value: { head: start, tree: headTree } };
  }
  const place = placeAt(repository, places.worktree, places.desk, 'store');
  const { index } = place;
  const clear = (): Promise<unknown> => Promise.all([removeAny(`${index}.lock`), removeAny(index)]);
  await clear();
  const copied = await copyIndex(join(admin, 'index'), index);
  if (!copied) await git.local(['read-tree', agentHead], place);
  const at = { place, trash: join(deps.home, 'trash') };
  const take = async (): Promise<Problem | ObjectId> => {
    await assumeNothing(git, place, repository.store.algorithm);
    return addAll(git, repository.store, at, request.maxBytes);
  };
  const taken = await take().catch(async (error: unknown) => {
    const isExit = error instanceof GitError && (error.reason === 'exit' || error.reason === 'broken');
    if (!isExit || !copied) throw error;
    // The agent's index may be what is broken: what the files say counts, so begin from the commit's own.
    await clear();
    await git.local(['read-tree', agentHead], place);
    return take();
  });
  if (typeof taken !== 'string') return { kind: 'failed', ...taken };
  const tree = taken;
  if (only !== undefined && tree !== headTree) {
    const args = ['diff-tree', '-r', '--name-only', '--no-renames', '-z', headTree, tree];
    const changed = (await git.local(args, placeOf(repository))).stdout.toString('utf8').split('\0');
    const others = changed.filter((file) => file !== '' && !only.includes(file));
    if (others.length > 0) return notAlone(others.map(quote));
  }
  let head = agentHead;
  if (tree !== headTree) {
    const seconds = Math.floor(Date.now() / 1000);
    head = await writeCommit(repository.store, {
      tree,
      parents: [agentHead],
      author: request.author,
      seconds,
      message: request.message,
    });
    rememberTree(head, tree);
    await writeRef(mirror, places.branchRef, head);
  }
  if (!(await copyIndex(index, places.index))) throw new Error(`git has left no index in ${place.desk}`);
  makeFolder(admin);
  await installIndex(places.index, admin);
  return { kind: 'ok', value: { head, tree } };
}

/** Whether worktree and index still are what the attempt began with: then no git need look. */
async function isAsGiven(
  { store }: Repository,
  { worktree, index }: WorkspacePlaces,
  tree: ObjectId,
  agentIndex: string,
): Promise<boolean> {
  const { algorithm } = store;
  return (await listsTheSame(index, agentIndex, algorithm)) && isUnchanged({ worktree, index, algorithm }, tree);
}
