/** Runs the project's set-up command once in each fresh worktree of a task. */

import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tailOf, type Failure } from '../core/failure.ts';
import type { Secret } from '../core/secrets.ts';
import type { PortRange } from '../core/ports.ts';
import { progressOf } from '../core/progress.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { Workspace } from '../git/types.ts';
import { makeSandbox, type SandboxRequest } from './confine.ts';
import { setUpScratchOf, type Dependencies } from './dependencies.ts';
import { tellProgress } from './heartbeat.ts';
import { describeExit, runCommand } from './run-command.ts';

const LET_THROUGH =
  'let it reach what was refused, such as network: {setup: ["*", packages.example.com]} in tasks.yaml ("*" is every public host); commit, and retry';
const SETUP_TIMEOUT_MS = 60 * 60 * 1_000;

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

/** Null when the worktree is set up. */
export async function setUpWorkspace(
  deps: Dependencies,
  { request, workspace, setup, ports, secrets, signal, sandbox }: SetUpRequest,
): Promise<Failure | null> {
  if (setup === null) return null;
  const markFile = join(dirname(workspace.worktree), 'set-up');
  // The inode tells a worktree that was made anew in the same place.
  const mark = `${(await stat(workspace.worktree)).ino} ${setup}`;
  if ((await readFile(markFile, 'utf8').catch(() => '')) === mark) return null;
  const scratch = setUpScratchOf(deps, request.spec.project);
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
    await writeFile(markFile, mark);
    return null;
  }
  return {
    kind: exit.kind === 'over-limit' ? exit.limit : exit.kind === 'no-space' ? 'no-space' : 'setup-failed',
    message: describeExit(`set-up (${setup})`, exit, SETUP_TIMEOUT_MS, deps.hostId),
    next:
      exit.refused.length > 0
        ? LET_THROUGH
        : 'run it in a fresh clone to see why, mend setup: in tasks.yaml, commit, and retry',
    evidence: tailOf(exit.tail),
  };
}
