/** Runs the project's set-up command once in each fresh worktree of a task. */

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tailOf, type Failure } from '../core/failure.ts';
import type { Secret } from '../core/secrets.ts';
import type { PortRange } from '../core/ports.ts';
import { progressOf } from '../core/progress.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import { isRecord } from '../core/text.ts';
import { readText, statusOf } from '../files/read.ts';
import type { Workspace } from '../git/types.ts';
import { makeSandbox, type SandboxRequest } from './confine.ts';
import { setUpScratchOf, type Dependencies } from './dependencies.ts';
import { tellProgress } from './heartbeat.ts';
import { letThrough } from './refused.ts';
import { describeExit, runCommand } from './run-command.ts';

const SETUP_TIMEOUT_MS = 60 * 60 * 1_000;
/** Of what set-up has made and git does not ignore: what takes one of these away takes them all. */
const MAX_MADE = 100;

/** Says of a worktree that it is set up. */
interface Mark {
  /** Tells a worktree that was made anew in the same place. */
  readonly inode: number;
  readonly setup: string;
  /** Files that it has made and git does not ignore: a failed attempt's worktree is cleaned of them. */
  readonly made: readonly string[];
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
  if (isSetUp(workspace, { inode, setup }, await readText(markFile))) return null;
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
    const { project, origin } = request.spec;
    const made = (await deps.git.untrackedFiles({ project, origin, workspace })).slice(0, MAX_MADE);
    await writeFile(markFile, JSON.stringify({ inode, setup, made } satisfies Mark));
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

/** Whether the mark is of this worktree and command, and what it names is still there. */
function isSetUp({ worktree }: Workspace, { inode, setup }: Omit<Mark, 'made'>, text: string | null): boolean {
  const mark = markIn(text);
  return (
    mark?.inode === inode && mark.setup === setup && mark.made.every((path) => statusOf(join(worktree, path)) !== null)
  );
}

/** Null for none, one of an older version, or not a whole one: then set-up runs once more. */
function markIn(text: string | null): Mark | null {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isMark(value) ? value : null;
  } catch {
    return null;
  }
}

function isMark(value: unknown): value is Mark {
  if (!isRecord(value) || typeof value['inode'] !== 'number' || typeof value['setup'] !== 'string') return false;
  return Array.isArray(value['made']) && value['made'].every((path) => typeof path === 'string');
}
