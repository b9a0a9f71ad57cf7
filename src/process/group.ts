/** A tree that nothing contains: held together by its session, its group and its tag, and guarded (N5). */

import type { Readable } from 'node:stream';

import { dismissGuard } from './guard.ts';
import { clearByTag, launch, plainExit } from './launch.ts';
import { treeMembers } from './members.ts';
import { sendSignal } from './proc.ts';
import type { Tree, TreeMeans, TreeRequest } from './tree.ts';

/** How long the guard's pipe may take to be seen as closed. */
const PIPE_LIMIT_MS = 1_000;

export async function startGroup(request: TreeRequest, { starter, guard }: TreeMeans): Promise<Tree> {
  const child = await launch(request.argv, request, { starter, guard, status: false });
  const third = request.pipes?.[2] ?? null;
  third?.reader.resume();
  // Of no use without a guard; and none that died before may keep it open.
  if (child.guard === null) third?.closeWriter();
  const { leader } = child;
  const toGroup = (signal: NodeJS.Signals): void => {
    if (leader !== null) sendSignal(-leader.pid, signal);
  };
  return {
    ended: child.ended,
    stdout: child.stdout,
    stderr: child.stderr,
    terminate: () => toGroup('SIGTERM'),
    kill: () => toGroup('SIGKILL'),
    members: () => (leader === null ? null : treeMembers(leader.pid)),
    async clear() {
      toGroup('SIGKILL');
      try {
        await clearByTag(leader, request.tag);
      } finally {
        if (child.guard !== null) await dismissGuard(child.guard);
        third?.closeWriter();
        await closed(third?.reader ?? null);
      }
    },
    exitOf: (code, signal) => plainExit(code, signal),
  };
}

/** A pipe whose end was seen can be used again. */
async function closed(pipe: Readable | null): Promise<void> {
  if (pipe === null || pipe.closed) return;
  await new Promise<void>((resolve) => {
    const limit = setTimeout(resolve, PIPE_LIMIT_MS);
    pipe.once('close', () => {
      clearTimeout(limit);
      resolve();
    });
  });
}
