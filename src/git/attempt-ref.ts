/**
 * An attempt's own ref on the origin, `refs/tasks/<id>/<attempt>/work`: made when the attempt begins, moved by what is
 * stored on the way, deleted with the push of what it left.
 *
 * Kept true (N2): every push of an attempt moves or deletes this ref from the value that the attempt gave it last. Whoever
 * deletes it, a later attempt or the end of the task, has so refused whatever the attempt still sends.
 */

import { quote, type ObjectId } from '../core/ids.ts';
import type { Git } from './git.ts';
import type { RawObject } from './objects.ts';
import { listRemote, problemOf, push, refusedWith, type Problem } from './origin.ts';
import { takenOver } from './push-checkpoint.ts';
import { readRef, taskRef, writeRef } from './refs.ts';
import type { Repository } from './repository.ts';
import type { AttemptRequest } from './types.ts';

/** Makes the ref of an attempt, unless it has one; what is wrong, or null. */
export async function beginAttempt(git: Git, repository: Repository, request: AttemptRequest): Promise<Problem | null> {
  const { workspace, attempt, origin } = request;
  const ref = taskRef(workspace.taskId, attempt, 'work');
  try {
    if ((await readRef(repository.gitDir, ref)) !== null) return null;
    // A commit of main: the origin has it.
    const update = { ref, id: workspace.base, expected: null };
    return await moveWork(git, repository, request, { updates: [update], objects: [] });
  } catch (error) {
    const problem = problemOf(error, origin);
    if (problem === null) throw error;
    return problem;
  }
}

interface Move {
  /** The attempt's own ref first. */
  readonly updates: readonly { readonly ref: string; readonly id: ObjectId; readonly expected: ObjectId | null }[];
  /** All that the origin can lack of them; null: git finds out. */
  readonly objects: readonly RawObject[] | null;
}

/** Moves the ref of an attempt, and what goes with it, from what it was last. @throws GitError as a push does */
export async function moveWork(
  git: Git,
  { gitDir, store }: Repository,
  { attempt, origin }: AttemptRequest,
  { updates, objects }: Move,
): Promise<Problem | null> {
  const known = objects === null ? {} : { known: { algorithm: store.algorithm, objects } };
  const result = await push(git, gitDir, origin, { updates, deletions: [], objects: store.folder, ...known });
  if (!result.ok) {
    const refs = updates.map(({ ref }) => ref);
    const there = await listRemote(git, gitDir, origin, refs);
    // An earlier try may have arrived, and its answer not.
    if (!updates.every(({ ref, id }) => there.get(ref) === id)) {
      if (updates.some(({ ref, expected }) => (there.get(ref) ?? null) !== expected)) return takenOver(attempt);
      const refused = [...result.refs.values()].find((entry) => entry.kind === 'refused');
      const why = refused === undefined ? quote(result.words) : refusedWith(refused.reason, result);
      return {
        failure: 'engine-error',
        message: `the origin did not take the work of attempt ${attempt}: ${why}`,
        next: 'let the origin accept refs/tasks/*',
      };
    }
  }
  for (const { ref, id } of updates) await writeRef(gitDir, ref, id);
  return null;
}
