/** The end of a task's refs. The caller has proof that nothing of them is wanted (N8). */

import type { TaskId } from '../core/ids.ts';
import type { Target } from '../core/queue-types.ts';
import type { Git } from './git.ts';
import { listOriginTaskRefs, lockedTaskRefs } from './local-origin.ts';
import { listRemote, push } from './origin.ts';
import { deleteRef, taskRefsIn } from './refs.ts';
import type { Repositories } from './repository.ts';
import { removeStaleRefLocks } from './stale-locks.ts';

/** Deletes every `refs/tasks/<id>/…` of these tasks on the origin and on this host; what is gone already is no fault. */
export async function deleteTaskRefs(
  git: Git,
  repositories: Repositories,
  target: Target,
  taskIds: readonly TaskId[],
): Promise<void> {
  const opened = await repositories.openLanding(target);
  if (opened.kind === 'failed' || taskIds.length === 0) return;
  const { repository } = opened;
  const { origin } = target;
  const seen = await listOriginTaskRefs(git, origin, taskIds);
  const patterns = taskIds.map((id) => `refs/tasks/${id}/*`);
  const there = seen ?? [...(await listRemote(git, repository.gitDir, origin, patterns)).keys()];
  const deletions = there.filter((ref) => taskIds.some((id) => ref.startsWith(`refs/tasks/${id}/`)));
  if (deletions.length > 0) {
    const { ok, words } = await push(git, repository.gitDir, origin, { updates: [], deletions });
    if (!ok) throw new Error(`the origin did not delete the refs of tasks ${taskIds.join(', ')}: ${words}`);
  }
  // Those of a git that was killed when all of them were gone; what is in use stays.
  const locked = await lockedTaskRefs(git, origin, taskIds);
  if (locked !== null) await removeStaleRefLocks(locked.folder, locked.refs);
  const mirror = await repositories.findMirror(target);
  for (const { gitDir } of [repository, ...(mirror === null ? [] : [mirror])]) {
    for (const id of taskIds) {
      for (const { ref } of await taskRefsIn(gitDir, id)) await deleteRef(gitDir, ref);
    }
  }
}
