/**
 * Pushes a checkpoint: the branch as `<attempt>/head`, the task folder's artifacts as `<attempt>/notes`.
 *
 * In the same push the ref `<attempt>/work` goes, from the value that this attempt gave it last: an attempt whose ref was
 * taken over by a later one, or went with the task's end, stores nothing more (N2).
 *
 * A branch that is still at its base has no head ref: the base is main's, any host can fetch it from there. A ref of
 * the origin is only ever written where nothing was, or over what this very attempt put there.
 */

import { quote, type ObjectId } from '../core/ids.ts';
import type { Git } from './git.ts';
import { newOnBranch } from './new-objects.ts';
import { ENGINE, writeCommit, type ObjectStore, type RawObject } from './objects.ts';
import { shownOrigin } from '../core/origin-url.ts';
import { listRemote, push, refusedWith, type Problem, type PushResult } from './origin.ts';
import { whyUnwritten } from './origin-full.ts';
import { deleteRef, readRef, taskRef, taskRefsIn, writeRef } from './refs.ts';
import type { RecentWork } from './recent-work.ts';
import type { Repository } from './repository.ts';
import { findSecrets } from './scan.ts';
import type { AttemptRequest, StoreRequest } from './types.ts';

/** The commit that carries an attempt's notes; the one that has them already when there is one. */
export async function commitNotes(
  store: ObjectStore,
  request: AttemptRequest,
  tree: ObjectId | null,
  same: ObjectId | null,
): Promise<ObjectId | null> {
  if (tree === null || same !== null) return same;
  const message = `Notes of task ${request.workspace.taskId}, attempt ${request.attempt}`;
  // Without a date: made again after a kill, the same notes are the same commit, which may be on the origin already.
  return writeCommit(store, { tree, parents: [], author: ENGINE, seconds: 0, message });
}

interface Left {
  readonly head: ObjectId;
  readonly notes: ObjectId | null;
  /** The objects that were written for the notes. */
  readonly written: ReadonlyMap<ObjectId, RawObject>;
}

/** Pushes the attempt's refs, and deletes those of attempts that nobody needs any more; what is wrong, or null. */
export async function pushCheckpoint(
  { git, recent }: { readonly git: Git; readonly recent: RecentWork },
  repository: Repository,
  request: StoreRequest,
  { head, notes, written }: Left,
): Promise<Problem | null> {
  const { gitDir, store: objects } = repository;
  const { attempt, origin, confirmedAttempt, workspace } = request;
  const headRef = taskRef(workspace.taskId, attempt, 'head');
  // What an earlier try of this attempt pushed is written over, so that no ref says what the checkpoint does not.
  const needsHead = head !== workspace.base || (await readRef(gitDir, headRef)) !== null;
  const wanted = needsHead ? [{ ref: headRef, id: head }] : [];
  if (notes !== null) wanted.push({ ref: taskRef(workspace.taskId, attempt, 'notes'), id: notes });
  if (wanted.length === 0) return null;
  const updates = await Promise.all(
    wanted.map(async (want) => ({ ...want, expected: await readRef(gitDir, want.ref) })),
  );
  const known = await taskRefsIn(gitDir, workspace.taskId);
  const work = taskRef(workspace.taskId, attempt, 'work');
  const begun = await readRef(gitDir, work);
  // Another worker of this host has taken over.
  if (begun === null && request.hasRef === true) return takenOver(attempt);
  const leased = begun === null ? [] : [{ ref: work, expected: begun }];
  const limit = Math.min(confirmedAttempt ?? 0, attempt);
  const deletions = known.filter((entry) => entry.attempt < limit && entry.onOrigin).map(({ ref }) => ref);
  const added = needsHead ? await newOnBranch(git, repository, head, workspace.base) : new Map<ObjectId, RawObject>();
  if (request.scan !== undefined) {
    const { base } = workspace;
    const { scan, maxBytes = Infinity } = request;
    const found = await findSecrets(git, repository, { scan, maxBytes }, { head, base, added, notes: written });
    if (found !== null) return found;
  }
  // Notes have no history: what was written for them is all that they are, unless an earlier attempt has pushed them.
  const sent =
    added === null
      ? {}
      : { known: { algorithm: objects.algorithm, objects: [...added.values(), ...written.values()] } };
  const pushed = { updates, leased, objects: objects.folder };
  let result = await push(git, gitDir, origin, { ...pushed, deletions, ...sent });
  let deleted = deletions;
  if (!result.ok && deletions.length > 0) {
    deleted = [];
    result = await push(git, gitDir, origin, { ...pushed, deletions: [] });
  }
  if (!result.ok) {
    const refused = await whyRefused(git, repository, request, { wanted, begun, result });
    if (refused !== null) return refused;
  }
  if (added !== null && needsHead) recent.keep(head, workspace.base, added);
  for (const { ref, id } of wanted) await writeRef(gitDir, ref, id);
  if (!needsHead) await writeRef(gitDir, taskRef(workspace.taskId, attempt, 'base'), head);
  for (const ref of deleted) await deleteRef(gitDir, ref);
  await deleteRef(gitDir, work);
  return null;
}

/** Null when an earlier try of this push has arrived, and its answer has not. */
async function whyRefused(
  git: Git,
  { gitDir }: Repository,
  { origin, attempt, workspace }: StoreRequest,
  tried: {
    readonly wanted: readonly { readonly ref: string; readonly id: ObjectId }[];
    readonly begun: ObjectId | null;
    readonly result: PushResult;
  },
): Promise<Problem | null> {
  const { wanted, begun, result } = tried;
  const work = taskRef(workspace.taskId, attempt, 'work');
  const there = await listRemote(git, gitDir, origin, [...wanted.map(({ ref }) => ref), work]);
  if (wanted.every(({ ref, id }) => there.get(ref) === id)) return null;
  if (begun !== null && there.get(work) !== begun) return takenOver(attempt);
  const unwritten = whyUnwritten(result);
  if (unwritten !== null) {
    return {
      failure: 'no-space',
      message: `${shownOrigin(origin)} cannot write what is pushed to it: ${quote(unwritten)}`,
      next: 'if its disk is full, make room there; it is tried again by itself while it has attempts, then by tasks retry',
    };
  }
  const refused = [...result.refs.values()].find((entry) => entry.kind === 'refused');
  const why =
    refused === undefined ? 'another try of this attempt stored something else' : refusedWith(refused.reason, result);
  return {
    failure: 'engine-error',
    message: `the origin did not take the checkpoint of attempt ${attempt}: ${why}`,
    next: refused === undefined ? 'the next attempt writes its own refs' : 'let the origin accept refs/tasks/*',
  };
}

/** Of an attempt whose ref is no longer as it left it. */
export function takenOver(attempt: number): Problem {
  return {
    failure: 'worker-lost',
    message: `a later attempt has taken over, or the task is over: nothing more of attempt ${attempt} is stored`,
    next: 'nothing',
  };
}
