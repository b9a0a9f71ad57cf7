/** What a task has left on the origin so far: asked when its workflow was set back, and counts what was counted before. */

import type { TaskId } from '../core/ids.ts';
import type { Target } from '../core/queue-types.ts';
import { findLanding } from './candidate.ts';
import type { Git } from './git.ts';
import { listOriginTaskRefs } from './local-origin.ts';
import { shownOrigin } from '../core/origin-url.ts';
import { isUnreachable, listRemote, problemOf } from './origin.ts';
import type { Repositories } from './repository.ts';
import type { TracesResult } from './types.ts';

export async function tracesOf(
  git: Git,
  repositories: Repositories,
  target: Target,
  taskId: TaskId,
): Promise<TracesResult> {
  try {
    const opened = await repositories.openMirror(target);
    if (opened.kind === 'failed') return opened;
    const { repository } = opened;
    const main = await repositories.fetchBranch(repository);
    const { origin } = target;
    const refs = (await listOriginTaskRefs(git, origin, [taskId])) ?? [
      ...(await listRemote(git, repository.gitDir, origin, [`refs/tasks/${taskId}/*`])).keys(),
    ];
    const attempts = refs.map((ref) => Number(ref.split('/')[3])).filter((attempt) => Number.isSafeInteger(attempt));
    const landing = main === null ? null : await findLanding(git, repository, { taskId, base: null }, main);
    return { kind: 'traces', lastAttempt: Math.max(0, ...attempts), landed: landing?.commit ?? null };
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    const problem = problemOf(error, target.origin);
    const next = 'nothing: it is tried again; if it goes on, look with: tasks doctor';
    return {
      kind: 'failed',
      failure: 'origin-unreachable',
      message: problem?.message ?? shownOrigin(target.origin),
      next,
    };
  }
}
