/**
 * One run of a project's gate on a candidate's tree. Its verdict is about the tree alone: whatever the engine or the
 * host did to the run (killed, no disk, no worktree) is no verdict.
 */

import { statfs } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { Context } from '@temporalio/activity';
import { tailOf } from '../core/failure.ts';
import { failedTests } from '../core/failed-tests.ts';
import { taskIdFromBytes, type TaskId } from '../core/ids.ts';
import { WAITS_FOR_SLOT } from '../core/gate-run.ts';
import { portOwners } from '../core/ports.ts';
import type { GateCommand, GateConfinement } from '../core/project.ts';
import type { Red } from '../core/queue.ts';
import type { GateVerdict, RunState } from '../core/queue-types.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { statusOf } from '../files/read.ts';
import type { GateWorktree } from '../git/types.ts';
import type { Flake } from '../ledger/flakes.ts';
import type { ExitResult } from '../process/types.ts';
import { confining, makeSandbox } from './confine.ts';
import type { Dependencies } from './dependencies.ts';
import { stopReasonOf, tellProgress, withQuickHeartbeat } from './heartbeat.ts';
import type { GateRuns } from './gate-runs.ts';
import { runCommands, type CommandsEnd } from './gate-commands.ts';
import { tellState } from './gate-start.ts';
import { describeExit, runCommand } from './run-command.ts';
import type { GateAnswer, GateRequest } from './types.ts';

const MAX_LOG_CHARS = 16_384;
const MAX_COMMAND_CHARS = 300;
const SETUP_TIMEOUT_MS = 60 * 60 * 1_000;
const SETUP_STREAM = 'gate:setup';
/** Where the project says nothing of it. */
const UNSAID: GateConfinement = { sandbox: 'preferred', network: 'none', setup: 'full' };
/** Shells and containers report SIGKILL and SIGTERM so: the kernel's, an operator's or a shutdown's doing, not the tree's. */
const KILLED_CODES: ReadonlySet<number> = new Set([137, 143]);
const KILLS: ReadonlySet<string> = new Set(['SIGKILL', 'SIGTERM']);

export async function runGate(deps: Dependencies, runs: GateRuns, request: GateRequest): Promise<GateAnswer> {
  const { runId = null } = Context.current().info.workflowExecution ?? {};
  return withQuickHeartbeat(deps.limits.heartbeatMs, (canceled) =>
    runs.during(runId, canceled, async (signal) => {
      const { confinement = UNSAID } = request.candidate.gate;
      const confined = confining(deps, confinement, request.candidate.gate.setup === null ? 'none' : confinement.setup);
      if (confined.kind === 'refused') {
        const { message, next } = confined.failure;
        return { verdict: { kind: 'none', reason: `${message}; ${next}` }, told: false };
      }
      const { target, item, candidate, below } = request;
      if (confined.kind === 'sandbox') {
        for (const opens of confined.notes) deps.log(`a gate run: ${opens}`, { tree: candidate.tree });
      }
      const worktree = await deps.git.gateWorktree(target, item, candidate, below);
      const release = (hasFilledDisk = false): Promise<void> =>
        (hasFilledDisk ? worktree.discard() : worktree.release()).catch((error: unknown) => sayNotCleared(deps, error));
      const place = { worktree, confinement, hasSandbox: confined.kind === 'sandbox' };
      let waits = true;
      let startedMs = performance.now();
      tellProgress(() => (waits ? WAITS_FOR_SLOT : null));
      let end: RunEnd;
      try {
        end = await runs.inSlot(signal, async () => {
          waits = false;
          startedMs = performance.now();
          return runIn(deps, request, place, signal);
        });
      } catch (error) {
        await release();
        throw error;
      }
      // Whoever waits for the verdict need not wait for the clearing.
      const released = release(end.hasFilledDisk);
      try {
        return await conclude(
          deps,
          request,
          { ...end, durationMs: Math.round(performance.now() - startedMs) },
          canceled,
        );
      } finally {
        await released;
      }
    }),
  );
}

/** It is taken off again before the next run has it. */
function sayNotCleared(deps: Pick<Dependencies, 'log'>, error: unknown): void {
  deps.log('a gate worktree could not be cleared after its run', { reason: messageOf(error) });
}

/** Tells whoever waits, and puts it on record. @throws what a canceled activity throws */
async function conclude(
  deps: Dependencies,
  request: GateRequest,
  { noted, durationMs, ...end }: CommandsEnd & { readonly durationMs: number },
  canceled: AbortSignal,
): Promise<GateAnswer> {
  const verdict = await withNews(deps, request, end.verdict);
  if (stopReasonOf(canceled) === 'canceled') throw canceled.reason;
  if (verdict.kind === 'none') return { verdict, told: false };
  const { candidate, target, red } = request;
  const state = stateAfter(verdict, red);
  const telling = state === null ? false : tellState(deps.client, request, state);
  const taskId = ownerOf(request);
  const about = { tree: candidate.tree, gateHash: candidate.gate.hash, project: target.project, taskId };
  const green = ['green', ...noted.map((text) => `permissive: ${text}`)].join('; ');
  const text = verdict.kind === 'red' ? verdict.text : green;
  await deps.spool.addVerdict({ ...about, kind: verdict.kind, text, durationMs });
  if (verdict.kind === 'green' && red !== null) await deps.spool.addFlakes(flakesOf(about, red));
  return { verdict, told: await telling };
}

/** What whoever waits is told at once; null: its workflow says what it comes to. */
function stateAfter(verdict: GateVerdict, before: Red | null): RunState | null {
  const { runId } = Context.current().info.workflowExecution ?? {};
  if (verdict.kind === 'green') return before === null ? { kind: 'ended', verdict } : null;
  if (verdict.kind === 'none' || runId === undefined) return null;
  return before === null ? { kind: 'running', runId, suspect: true } : { kind: 'ended', verdict };
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
  try {
    return { ...verdict, landedSince: await deps.git.landedSince(target, item.base, candidate.main) };
  } catch (error) {
    // It may have taken hours to find out that it is red.
    const reason = messageOf(error);
    deps.log('what landed since a red candidate began could not be told', { tree: candidate.tree, reason });
    return verdict;
  }
}

interface RunEnd extends CommandsEnd {
  /** Whether something of it was ended for what it had written: that is not to stay until the next run. */
  readonly hasFilledDisk: boolean;
}

interface Place {
  readonly worktree: GateWorktree;
  readonly confinement: GateConfinement;
  readonly hasSandbox: boolean;
}

async function runIn(
  deps: Dependencies,
  request: GateRequest,
  { worktree, confinement, hasSandbox }: Place,
  signal: AbortSignal,
): Promise<RunEnd> {
  const { candidate, item } = request;
  const { home: scratch, path } = worktree;
  const ports = await deps.ports.lease(portOwners.gate(basename(dirname(path)), basename(path)));
  const repository = hasSandbox ? await deps.git.confineGate(path) : null;
  let runs = 0;
  let hasFilledDisk = false;
  const judged = async (gate: GateCommand, stream: string, until = signal): Promise<GateVerdict | null> => {
    const { run, timeoutMs } = gate;
    if (runs > 0 && statusOf(path)?.isDirectory() !== true) return removedBefore(gate);
    let verdict: GateVerdict | null = null;
    runs += 1;
    const network = stream === SETUP_STREAM ? confinement.setup : confinement.network;
    // Commands run side by side have temporary folders of their own.
    const own = { write: [path], scratch, agent: null, network, tmp: `${scratch}.tmp/${runs}` };
    await runCommand(deps, {
      run,
      cwd: path,
      purpose: 'gate',
      taskId: ownerOf(request),
      attempt: item?.attempt ?? 0,
      stream,
      scratch,
      ports,
      sandbox: repository === null ? null : await makeSandbox(deps, { ...own, repository }),
      timeoutMs,
      signal: until,
      closing: async (exit, ms) => {
        hasFilledDisk ||= exit.kind === 'over-limit' && exit.limit === 'too-much-written';
        verdict = await judge(deps, gate, exit, path);
        return closingLine(verdict, ms);
      },
    });
    return verdict;
  };
  if (candidate.gate.setup !== null && worktree.needsSetup) {
    const gate = { name: 'setup', run: candidate.gate.setup, timeoutMs: SETUP_TIMEOUT_MS };
    const setUp = (): Promise<GateVerdict | null> => judged(gate, SETUP_STREAM);
    let verdict = await setUp();
    if (verdict?.kind === 'red' && worktree.isOnMain()) {
      // The candidate is to be judged by its own, which may be what mends it.
      await worktree.goToCandidate();
      verdict = await setUp();
    }
    if (verdict !== null) return { verdict, noted: [], hasFilledDisk };
    await worktree.markSetUp();
  }
  const { commands } = candidate.gate;
  const end = await runCommands(commands, signal, (gate, until) => judged(gate, `gate:${gate.name}`, until));
  return { ...end, hasFilledDisk };
}

/** Without a sandbox the project's own commands can do so: it is the tree's doing, and no fault of the host. */
function removedBefore(gate: GateCommand): GateVerdict {
  const text = `${calledOf(gate)} could not be run: a command before it has removed the worktree`;
  return { kind: 'red', failedCommand: gate.run, text, logTail: '', landedSince: [] };
}

/** By which the output of one run is told from the next one's. */
function closingLine(verdict: GateVerdict | null, ms: number): string {
  const seconds = `after ${(ms / 1_000).toFixed(1)} s`;
  if (verdict === null || verdict.kind === 'green') return `── green, ${seconds}`;
  return verdict.kind === 'red'
    ? `── red, ${seconds}: ${verdict.text}`
    : `── no verdict, ${seconds}: ${verdict.reason}`;
}

/** Null when the command is content. */
async function judge(
  deps: Dependencies,
  gate: GateCommand,
  exit: ExitResult,
  path: string,
): Promise<GateVerdict | null> {
  if (exit.kind === 'exited' && exit.code === 0) return null;
  const text = describeExit(calledOf(gate), exit, gate.timeoutMs, deps.hostId);
  const hosts =
    exit.kind === 'aborted' ||
    exit.kind === 'no-space' ||
    exit.kind === 'missing' ||
    (exit.kind === 'over-limit' && exit.forRoom === true) ||
    (exit.kind === 'signaled' && KILLS.has(exit.signal));
  if (hosts || (exit.kind === 'exited' && KILLED_CODES.has(exit.code))) return { kind: 'none', reason: text };
  // Not of the worktree itself, which the command may have removed.
  const disk = await statfs(dirname(path));
  const freeBytes = disk.bavail * disk.bsize;
  if (freeBytes < deps.limits.minFreeBytes) {
    return { kind: 'none', reason: `${text}, with ${freeBytes} bytes of disk left` };
  }
  return { kind: 'red', failedCommand: gate.run, text, logTail: tailOf(exit.tail, MAX_LOG_CHARS), landedSince: [] };
}

/** One that has no name of its own has the beginning of its command for one. */
function calledOf({ name, run }: GateCommand): string {
  const command = oneLine(run, MAX_COMMAND_CHARS);
  return name === oneLine(run, name.length) ? command : `${name} (${command})`;
}
