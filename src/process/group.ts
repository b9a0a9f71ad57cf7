/** A tree that nothing contains: held together by its session, its group and its tag, and guarded (N5). */

import type { Readable } from 'node:stream';

import { dismissGuard } from './guard.ts';
import { launch, plainExit, type Grouped } from './launch.ts';
import { sendSignal } from './proc.ts';
import { clearWhole, findWhole } from './run-group.ts';
import { findDescendants } from './sweep.ts';
import type { Held, TreeMeans, TreeRequest } from './tree.ts';

/** How long the guard's pipe may take to be seen as closed. */
const PIPE_LIMIT_MS = 1_000;

export async function startGroup(request: Grouped<TreeRequest>, { starter, guard }: TreeMeans): Promise<Held> {
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
    members() {
      if (leader === null) return null;
      const whole = findWhole(leader, request.tag, request.group?.folders ?? [], { failed: false });
      // One that has left all of these, but not its parents.
      const all = new Set([leader, ...whole, ...findDescendants(leader.pid)].map(({ pid }) => pid));
      return { proc: '/proc', pids: [...all] };
    },
    async clear() {
      toGroup('SIGKILL');
      try {
        await clearWhole(leader, request.tag, request.group);
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
