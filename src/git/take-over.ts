/**
 * What a new attempt makes of earlier ones whose end nobody has heard of: it goes on from the last work that one of them
 * has stored, and takes their refs away, in one push. From then on whatever they still send is refused (N2).
 */

import { type ObjectId, type TaskId } from '../core/ids.ts';
import { hasCommit, isAncestor, objectId, readObjects } from './merge.ts';
import { fetchRefs, listRemote, push, type Problem } from './origin.ts';
import { deleteRef, taskRef, writeRef } from './refs.ts';
import { placeOf, type Repository } from './repository.ts';
import type { PrepareRequest } from './types.ts';
import { parseUnfinished } from './unfinished.ts';
import type { WorkspaceDeps } from './workspace.ts';

export interface TakenOver {
  readonly base: ObjectId;
  /** What the branch is to point at. */
  readonly start: ObjectId;
  readonly conflicted: readonly string[];
  readonly notes: ObjectId | null;
  /** Whose work it is, and the commit whose files the worktree gets. */
  readonly unfinished: { readonly attempt: number; readonly content: ObjectId };
  /** It is of no checkpoint, and nothing has been merged for it. */
  readonly checkpoint: null;
  readonly anew: null;
}

type Refs = ReadonlyMap<string, ObjectId>;
interface Found extends Pick<TakenOver, 'base' | 'start' | 'conflicted'> {
  readonly content: ObjectId;
  readonly attempt: number;
}

const MAX_TRIES = 3;

/** What to go on from; null: nothing of theirs is there. @throws GitError when the origin cannot be reached */
export async function takeOver(
  deps: WorkspaceDeps,
  repository: Repository,
  request: PrepareRequest,
): Promise<TakenOver | Problem | null> {
  const { taskId, origin, unfinished } = request;
  const kept = request.start.kind === 'main' ? 0 : request.start.checkpoint.attempt;
  // The refs that hold what the attempt begins from otherwise are not theirs to lose.
  const lost = (unfinished?.attempts ?? []).filter((attempt) => attempt < request.attempt && attempt !== kept);
  if (unfinished === undefined || lost.length === 0) return null;
  const { gitDir } = repository;
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const there = await listRemote(deps.git, gitDir, origin, [`refs/tasks/${taskId}/*`]);
    // Its own ref has it where an earlier try of the push below has arrived, and the answer has not.
    const from = [...lost, request.attempt];
    const found = unfinished.goOn ? await findWork(deps, repository, request, { there, from }) : null;
    const notes = found === null ? null : notesOf(taskId, there, from);
    const leased = [...there].filter(([ref]) => lost.some((attempt) => isOf(ref, taskId, attempt)));
    if (leased.length === 0 && found === null) return null;
    if (await fence(deps, repository, request, { there, found, notes, leased })) {
      return found === null ? null : takenOver(found, notes, Math.max(...lost));
    }
  }
  return {
    failure: 'engine-error',
    message: `the origin did not let the refs of attempt ${lost.join(', ')} be taken over`,
    next: 'let the origin accept changes and deletions of refs/tasks/*',
  };
}

/** The latest there are: a push that was cut off may have brought the work and not the notes. */
function notesOf(taskId: TaskId, there: Refs, from: readonly number[]): ObjectId | null {
  const latest = from.toSorted((one, other) => other - one).map((attempt) => taskRef(taskId, attempt, 'notes'));
  return latest.map((ref) => there.get(ref)).find((id) => id !== undefined) ?? null;
}

function takenOver({ attempt, content, ...from }: Found, notes: ObjectId | null, last: number): TakenOver {
  return { ...from, notes, unfinished: { attempt: Math.min(attempt, last), content }, checkpoint: null, anew: null };
}

function isOf(ref: string, taskId: TaskId, attempt: number): boolean {
  return ref.startsWith(`refs/tasks/${taskId}/${attempt}/`);
}

/** Gives the new attempt a ref that holds what it goes on from, and takes theirs; false when one has moved meanwhile. */
async function fence(
  { git }: WorkspaceDeps,
  { gitDir, store }: Repository,
  { taskId, attempt, origin }: PrepareRequest,
  taken: {
    readonly there: Refs;
    readonly found: Found | null;
    readonly notes: ObjectId | null;
    readonly leased: readonly (readonly [string, ObjectId])[];
  },
): Promise<boolean> {
  const wanted: { readonly ref: string; readonly id: ObjectId }[] = [];
  if (taken.found !== null) wanted.push({ ref: taskRef(taskId, attempt, 'work'), id: taken.found.content });
  if (taken.notes !== null) wanted.push({ ref: taskRef(taskId, attempt, 'notes'), id: taken.notes });
  const updates = wanted
    .map(({ ref, id }) => ({ ref, id, expected: taken.there.get(ref) ?? null }))
    .filter(({ id, expected }) => id !== expected);
  const leased = taken.leased.map(([ref, expected]) => ({ ref, expected }));
  // The origin has had all of it.
  const known = { algorithm: store.algorithm, objects: [] };
  if (updates.length > 0 || leased.length > 0) {
    const result = await push(git, gitDir, origin, { updates, deletions: [], leased, objects: store.folder, known });
    if (!result.ok) return false;
  }
  for (const { ref, id } of wanted) await writeRef(gitDir, ref, id);
  for (const { ref } of leased) await deleteRef(gitDir, ref);
  return true;
}

/** The latest work of these attempts that can be gone on from. */
async function findWork(
  deps: WorkspaceDeps,
  repository: Repository,
  request: PrepareRequest,
  { there, from }: { readonly there: Refs; readonly from: readonly number[] },
): Promise<Found | null> {
  const { taskId } = request;
  await bring(deps, repository, request, { there, from });
  for (const attempt of from.toSorted((one, other) => other - one)) {
    const head = there.get(taskRef(taskId, attempt, 'head'));
    const work = there.get(taskRef(taskId, attempt, 'work'));
    const commit = head ?? work;
    if (commit === undefined) continue;
    const found =
      head === undefined ? await readWork(deps, repository, commit) : await readHead(deps, repository, head);
    if (found !== null) return { ...found, attempt };
  }
  return null;
}

/** Makes sure that this host has all that these attempts have stored. */
async function bring(
  { git, repositories }: WorkspaceDeps,
  repository: Repository,
  { taskId, origin }: PrepareRequest,
  { there, from }: { readonly there: Refs; readonly from: readonly number[] },
): Promise<void> {
  const wanted = [...there].filter(([ref]) => from.some((attempt) => isOf(ref, taskId, attempt)));
  const all = `refs/tasks/${taskId}/*`;
  await repositories.exclusively(repository, async () => {
    for (const [, id] of wanted) {
      if (await hasCommit(git, repository, id)) continue;
      await fetchRefs(git, placeOf(repository), origin, [`+${all}:${all}`]);
      return;
    }
  });
}

/** What was stored on the way; null of a ref that only says that the attempt has begun. */
async function readWork(
  { git }: WorkspaceDeps,
  repository: Repository,
  commit: ObjectId,
): Promise<Omit<Found, 'attempt'> | null> {
  const [read] = await readObjects(git, repository, [commit]);
  const work = read?.type === 'commit' ? parseUnfinished(read.content) : null;
  if (work === null || !(await hasCommit(git, repository, work.base))) return null;
  if (!(await isAncestor(git, repository, work.base, work.parent))) return null;
  return { base: work.base, start: work.parent, content: commit, conflicted: work.conflicted };
}

/** What was stored at the phase's end, of which the answer was lost. */
async function readHead(
  deps: WorkspaceDeps,
  repository: Repository,
  head: ObjectId,
): Promise<Omit<Found, 'attempt'> | null> {
  const main = await deps.repositories.fetchBranch(repository);
  if (main === null) return null;
  const { code, stdout } = await deps.git.local(['merge-base', main, head], { ...placeOf(repository), accept: [1] });
  if (code !== 0) return null;
  return { base: objectId(stdout.toString('latin1').trim()), start: head, content: head, conflicted: [] };
}
