/** Runs the project's set-up command once in each fresh worktree of a task. */

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tailOf, type Failure } from '../core/failure.ts';
import { quote } from '../core/ids.ts';
import type { Secret } from '../core/secrets.ts';
import type { PortRange } from '../core/ports.ts';
import { progressOf } from '../core/progress.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import { readText, statusOf } from '../files/read.ts';
import type { Workspace } from '../git/types.ts';
import { makeSandbox, type SandboxRequest } from './confine.ts';
import { setUpScratchOf, type Dependencies } from './dependencies.ts';
import { tellProgress } from './heartbeat.ts';
import { letThrough } from './refused.ts';
import { describeExit, runCommand, type CommandExit } from './run-command.ts';
import { discardWorkspace } from './store-work.ts';

const SETUP_TIMEOUT_MS = 60 * 60 * 1_000;
/** Of what set-up has made or changed. */
const MANY = 10;

/** Says of a worktree that it is set up. */
interface Mark {
  /** Tells a worktree that was made anew in the same place. */
  readonly inode: number;
  readonly setup: string;
}

export interface SetUpRequest {
  readonly request: PhaseRequest;
  readonly workspace: Workspace;
  readonly setup: string | null;
  readonly ports: PortRange | null;
  /** To be taken out of what it prints. */
  readonly secrets: readonly Secret[];
  /** Of the attempt; its home is the project's, so that package managers find their caches. */
  readonly sandbox: SandboxRequest | null;
  readonly signal: AbortSignal;
}

export type SetUp =
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** With what people should know. */
  | { readonly kind: 'ready'; readonly notes: readonly string[] };

export async function setUpWorkspace(
  deps: Dependencies,
  { request, workspace, setup, ports, secrets, signal, sandbox }: SetUpRequest,
): Promise<SetUp> {
  const ready: SetUp = { kind: 'ready', notes: [] };
  if (setup === null) return ready;
  const markFile = join(dirname(workspace.worktree), 'set-up');
  const inode = statusOf(workspace.worktree)?.ino ?? 0;
  const mark = JSON.stringify({ inode, setup } satisfies Mark);
  if ((await readText(markFile)) === mark) return ready;
  const { project, origin } = request.spec;
  const at = { project, origin, workspace };
  // Of an attempt that was lost, say.
  const before = await deps.git.differences(at);
  const scratch = setUpScratchOf(deps, project);
  tellProgress(() => progressOf(`set-up: ${setup}`));
  const exit = await runCommand(deps, {
    run: setup,
    cwd: workspace.worktree,
    purpose: 'setup',
    taskId: request.spec.id,
    attempt: request.attempt,
    stream: 'setup',
    scratch,
    ports,
    secrets,
    sandbox: sandbox === null ? null : await makeSandbox(deps, { ...sandbox, scratch, agent: null }),
    timeoutMs: SETUP_TIMEOUT_MS,
    signal,
  });
  if (exit.kind === 'exited' && exit.code === 0) {
    const after = await deps.git.differences(at);
    const made = without(after.untracked, before.untracked);
    if (made.length > 0) return { kind: 'failed', failure: notIgnored(setup, made) };
    // As for the gate: what git has is as main has it, and a lock file that was written anew is nobody's work.
    const changed = without(after.changed, before.changed);
    await deps.git.putBack(at, changed);
    await writeFile(markFile, mark);
    return changed.length === 0 ? ready : { kind: 'ready', notes: [`set-up changed ${named(changed)}: put back`] };
  }
  // Git ignores what it has made, so that it would stay: the disk full, and the next one over its limit before it begins.
  if (isTooMuchWritten(exit)) await discardWorkspace(deps, request);
  const failure: Failure = {
    kind: exit.kind === 'over-limit' ? exit.limit : exit.kind === 'no-space' ? 'no-space' : 'setup-failed',
    message: describeExit(`set-up (${setup})`, exit, SETUP_TIMEOUT_MS, deps.hostId),
    next: isTooMuchWritten(exit) ? tooMuch(scratch) : (letThrough('network: {setup: HOSTS}', exit.refused) ?? TRY_IT),
    evidence: tailOf(exit.tail),
  };
  return { kind: 'failed', failure };
}

const TRY_IT = 'run it in a fresh clone to see why, mend setup: in tasks.yaml, commit, and retry';

function isTooMuchWritten(exit: CommandExit): boolean {
  return exit.kind === 'over-limit' && exit.limit === 'too-much-written';
}

/** The home of a project's set-ups stays, since others of them may be under way in it. */
function tooMuch(scratch: string): string {
  return `mend setup: in tasks.yaml, or raise disk under limits: in host.yaml; ${scratch} counts too, with the caches of all set-ups of the project: remove it if it has grown; then retry`;
}

function without(paths: readonly string[], known: readonly string[]): readonly string[] {
  const all = new Set(known);
  return paths.filter((path) => !all.has(path));
}

function named(paths: readonly string[]): string {
  const more = paths.length > MANY ? ` and ${paths.length - MANY} more` : '';
  return `${paths.slice(0, MANY).map(quote).join(', ')}${more}`;
}

/** It would be committed with the task's work, and the gate, which is set up in other worktrees, would not have it. */
function notIgnored(setup: string, made: readonly string[]): Failure {
  return {
    kind: 'setup-failed',
    message: `set-up (${setup}) made what git does not ignore, and what would be committed as work: ${named(made)}`,
    next: 'add it to .gitignore, or have set-up make it elsewhere; commit that, and retry',
  };
}
