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
import { describeExit, runCommand } from './run-command.ts';

const SETUP_TIMEOUT_MS = 60 * 60 * 1_000;
/** Of what set-up has made and git does not ignore. */
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

/** Null when the worktree is set up. */
export async function setUpWorkspace(
  deps: Dependencies,
  { request, workspace, setup, ports, secrets, signal, sandbox }: SetUpRequest,
): Promise<Failure | null> {
  if (setup === null) return null;
  const markFile = join(dirname(workspace.worktree), 'set-up');
  const inode = statusOf(workspace.worktree)?.ino ?? 0;
  const mark = JSON.stringify({ inode, setup } satisfies Mark);
  if ((await readText(markFile)) === mark) return null;
  const { project, origin } = request.spec;
  const untracked = (): Promise<readonly string[]> => deps.git.untracked({ project, origin, workspace });
  // Of an attempt that was lost, say.
  const before = new Set(await untracked());
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
    const made = (await untracked()).filter((path) => !before.has(path));
    if (made.length > 0) return notIgnored(setup, made);
    await writeFile(markFile, mark);
    return null;
  }
  return {
    kind: exit.kind === 'over-limit' ? exit.limit : exit.kind === 'no-space' ? 'no-space' : 'setup-failed',
    message: describeExit(`set-up (${setup})`, exit, SETUP_TIMEOUT_MS, deps.hostId),
    next:
      exit.refused.length > 0
        ? letThrough('network: {setup: HOSTS}')
        : 'run it in a fresh clone to see why, mend setup: in tasks.yaml, commit, and retry',
    evidence: tailOf(exit.tail),
  };
}

/** It would be committed with the task's work, and the gate, which is set up in other worktrees, would not have it. */
function notIgnored(setup: string, made: readonly string[]): Failure {
  const named = made.slice(0, MANY).map(quote).join(', ');
  const more = made.length > MANY ? ` and ${made.length - MANY} more` : '';
  return {
    kind: 'setup-failed',
    message: `set-up (${setup}) made what git does not ignore, and what would be committed as work: ${named}${more}`,
    next: 'add it to .gitignore, or have set-up make it elsewhere; commit that, and retry',
  };
}
