/**
 * One run of a project's gate on a candidate's tree. Its verdict is about the tree alone: whatever the engine or the
 * host did to the run (killed, no disk, no worktree) is no verdict.
 */

import { statfs } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { tailOf } from '../core/failure.ts';
import { taskIdFromBytes, type TaskId } from '../core/ids.ts';
import type { GateCommand } from '../core/project.ts';
import type { GateVerdict } from '../core/queue-types.ts';
import type { ExitResult } from '../process/types.ts';
import type { Dependencies } from './dependencies.ts';
import { stopReasonOf, withHeartbeat } from './heartbeat.ts';
import { tellVerdict } from './gate-start.ts';
import { describeExit, runCommand } from './run-command.ts';
import type { GateAnswer, GateRequest } from './types.ts';

const MAX_LOG_CHARS = 16_384;
const SETUP_TIMEOUT_MS = 60 * 60 * 1_000;
/** Shells and containers report SIGKILL and SIGTERM so: the kernel's, an operator's or a shutdown's doing, not the tree's. */
const KILLED_CODES: ReadonlySet<number> = new Set([137, 143]);
const KILLS: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM']);

export async function runGate(deps: Dependencies, request: GateRequest): Promise<GateAnswer> {
  return withHeartbeat(deps.limits.heartbeatMs, async (signal) => {
    const startedMs = Date.now();
    const verdict = await withNews(deps, request, await runInWorktree(deps, request, signal));
    if (stopReasonOf(signal) === 'canceled') throw signal.reason;
    if (verdict.kind === 'none') return { verdict, told: false };
    const { candidate, target } = request;
    const telling = verdict.kind === 'green' && request.isFirst ? tellVerdict(deps.client, request, verdict) : false;
    await deps.spool.addVerdict({
      tree: candidate.tree,
      gateHash: candidate.gate.hash,
      kind: verdict.kind,
      project: target.project,
      taskId: ownerOf(request),
      text: verdict.kind === 'red' ? verdict.text : 'green',
      durationMs: Date.now() - startedMs,
    });
    return { verdict, told: await telling };
  });
}

/** Under whose id the run's output is kept; main's own under one made of its tree. */
function ownerOf({ item, candidate }: GateRequest): TaskId {
  return item?.taskId ?? taskIdFromBytes(Buffer.from(candidate.tree, 'hex'));
}

/** Whoever revises a red candidate should know what it was merged with. */
async function withNews(deps: Dependencies, request: GateRequest, verdict: GateVerdict): Promise<GateVerdict> {
  const { target, item, candidate } = request;
  if (verdict.kind !== 'red' || item === null) return verdict;
  return { ...verdict, landedSince: await deps.git.landedSince(target, item.base, candidate.main) };
}

async function runInWorktree(deps: Dependencies, request: GateRequest, signal: AbortSignal): Promise<GateVerdict> {
  const { candidate, item, target, below } = request;
  const worktree = await deps.git.gateWorktree(target, item, candidate, below);
  // Runs side by side do not share what they write outside their worktrees.
  const scratch = join(deps.home, 'scratch', target.project, `gate-${basename(worktree.path)}`);
  const command = (run: string, stream: string, timeoutMs: number): Promise<ExitResult> =>
    runCommand(deps, {
      run,
      cwd: worktree.path,
      purpose: 'gate',
      taskId: ownerOf(request),
      attempt: item?.attempt ?? 0,
      stream,
      scratch,
      timeoutMs,
      signal,
    });
  try {
    if (candidate.gate.setup !== null && worktree.needsSetup) {
      const exit = await command(candidate.gate.setup, 'gate:setup', SETUP_TIMEOUT_MS);
      const verdict = await judge(
        deps,
        { name: 'setup', run: candidate.gate.setup, timeoutMs: SETUP_TIMEOUT_MS },
        exit,
        worktree.path,
      );
      if (verdict !== null) return verdict;
      await worktree.markSetUp();
    }
    for (const gate of candidate.gate.commands) {
      const exit = await command(gate.run, `gate:${gate.name}`, gate.timeoutMs);
      const verdict = await judge(deps, gate, exit, worktree.path);
      if (verdict !== null) return verdict;
    }
    return { kind: 'green' };
  } finally {
    await worktree.release();
  }
}

/** Null when the command is content. */
async function judge(
  deps: Dependencies,
  gate: GateCommand,
  exit: ExitResult,
  path: string,
): Promise<GateVerdict | null> {
  if (exit.kind === 'exited' && exit.code === 0) return null;
  const text = describeExit(gate.name === gate.run ? gate.run : `${gate.name} (${gate.run})`, exit, gate.timeoutMs);
  const hosts =
    exit.kind === 'aborted' ||
    exit.kind === 'no-space' ||
    exit.kind === 'missing' ||
    (exit.kind === 'signaled' && KILLS.has(exit.signal));
  if (hosts || (exit.kind === 'exited' && KILLED_CODES.has(exit.code))) return { kind: 'none', reason: text };
  const disk = await statfs(path);
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes < deps.limits.minFreeBytes) {
    return { kind: 'none', reason: `${text}, with ${freeBytes} bytes of disk left` };
  }
  return { kind: 'red', failedCommand: gate.run, text, logTail: tailOf(exit.tail, MAX_LOG_CHARS), landedSince: [] };
}
