/**
 * One run of a project's gate on a candidate's tree. Its verdict is about the tree alone: whatever the engine or the
 * host did to the run (killed, no disk, no worktree) is no verdict.
 */

import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { tailOf } from '../core/failure.ts';
import { failedTests } from '../core/failed-tests.ts';
import { taskIdFromBytes, type TaskId } from '../core/ids.ts';
import { portOwners, type PortRange } from '../core/ports.ts';
import type { GateCommand, GateConfinement } from '../core/project.ts';
import type { Red } from '../core/queue.ts';
import type { GateVerdict } from '../core/queue-types.ts';
import type { Flake } from '../ledger/flakes.ts';
import type { ExitResult } from '../process/types.ts';
import { confining, makeSandbox, type SandboxRequest } from './confine.ts';
import type { Dependencies } from './dependencies.ts';
import { stopReasonOf, withQuickHeartbeat } from './heartbeat.ts';
import { runCommands, type CommandsEnd } from './gate-commands.ts';
import { tellVerdict } from './gate-start.ts';
import { describeExit, runCommand } from './run-command.ts';
import type { GateAnswer, GateRequest } from './types.ts';

const MAX_LOG_CHARS = 16_384;
const SETUP_TIMEOUT_MS = 60 * 60 * 1_000;
const SETUP_STREAM = 'gate:setup';
/** Shells and containers report SIGKILL and SIGTERM so: the kernel's, an operator's or a shutdown's doing, not the tree's. */
const KILLED_CODES: ReadonlySet<number> = new Set([137, 143]);
const KILLS: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM']);

export async function runGate(deps: Dependencies, request: GateRequest): Promise<GateAnswer> {
  return withQuickHeartbeat(deps.limits.heartbeatMs, async (signal) => {
    const startedMs = performance.now();
    const end = await runInWorktree(deps, request, signal);
    const verdict = await withNews(deps, request, end.verdict);
    if (stopReasonOf(signal) === 'canceled') throw signal.reason;
    if (verdict.kind === 'none') return { verdict, told: false };
    const { candidate, target, red } = request;
    const telling = verdict.kind === 'green' && red === null ? tellVerdict(deps.client, request, verdict) : false;
    const taskId = ownerOf(request);
    const about = { tree: candidate.tree, gateHash: candidate.gate.hash, project: target.project, taskId };
    const green = ['green', ...end.noted.map((text) => `permissive: ${text}`)].join('; ');
    const text = verdict.kind === 'red' ? verdict.text : green;
    await deps.spool.addVerdict({
      ...about,
      kind: verdict.kind,
      text,
      durationMs: Math.round(performance.now() - startedMs),
    });
    if (verdict.kind === 'green' && red !== null) await deps.spool.addFlakes(flakesOf(about, red));
    return { verdict, told: await telling };
  });
}

/** One for each test that the first run's log names, or one for its command. */
function flakesOf(about: Pick<Flake, 'tree' | 'gateHash' | 'project' | 'taskId'>, red: Red): readonly Flake[] {
  const at = new Date().toISOString();
  const tests = failedTests(red.logTail);
  const names = tests.length === 0 ? [red.failedCommand] : tests;
  return names.map((test) => ({ ...about, test, command: red.failedCommand, text: red.text, at }));
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

async function runInWorktree(deps: Dependencies, request: GateRequest, signal: AbortSignal): Promise<CommandsEnd> {
  const { candidate, item, target, below } = request;
  const wanted: GateConfinement = candidate.gate.confinement ?? {
    sandbox: 'preferred',
    network: 'none',
    setup: 'full',
  };
  const confined = confining(deps, wanted);
  if (confined.kind === 'refused') {
    const { message, next } = confined.failure;
    return { verdict: { kind: 'none', reason: `${message}; ${next}` }, noted: [] };
  }
  const worktree = await deps.git.gateWorktree(target, item, candidate, below);
  const scratch = worktree.home;
  let ports: PortRange | null = null;
  let sandbox: Omit<SandboxRequest, 'network' | 'tmp'> | null = null;
  let runs = 0;
  const command = async (run: string, stream: string, timeoutMs: number, until = signal): Promise<ExitResult> => {
    runs += 1;
    const network = stream === SETUP_STREAM ? wanted.setup : wanted.network;
    return runCommand(deps, {
      run,
      cwd: worktree.path,
      purpose: 'gate',
      taskId: ownerOf(request),
      attempt: item?.attempt ?? 0,
      stream,
      scratch,
      ports,
      // Commands run side by side have temporary folders of their own.
      sandbox:
        sandbox === null ? null : await makeSandbox(deps, { ...sandbox, network, tmp: `${scratch}.tmp/${runs}` }),
      timeoutMs,
      signal: until,
    });
  };
  try {
    ports = await deps.ports.lease(portOwners.gate(basename(dirname(worktree.path)), basename(worktree.path)));
    if (confined.kind === 'sandbox') {
      const repository = await deps.git.confineGate(worktree.path);
      sandbox = { write: [worktree.path], repository, scratch, agent: null };
    }
    if (candidate.gate.setup !== null && worktree.needsSetup) {
      const gate = { name: 'setup', run: candidate.gate.setup, timeoutMs: SETUP_TIMEOUT_MS };
      const setUp = async (): Promise<GateVerdict | null> =>
        judge(deps, gate, await command(gate.run, SETUP_STREAM, gate.timeoutMs), worktree.path);
      let verdict = await setUp();
      if (verdict?.kind === 'red' && worktree.isOnMain()) {
        // The candidate is to be judged by its own, which may be what mends it.
        await worktree.goToCandidate();
        verdict = await setUp();
      }
      if (verdict !== null) return { verdict, noted: [] };
      await worktree.markSetUp();
    }
    return await runCommands(candidate.gate.commands, signal, async (gate, until) => {
      const exit = await command(gate.run, `gate:${gate.name}`, gate.timeoutMs, until);
      return judge(deps, gate, exit, worktree.path);
    });
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
  const what = gate.name === gate.run ? gate.run : `${gate.name} (${gate.run})`;
  const text = describeExit(what, exit, gate.timeoutMs, deps.hostId);
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
