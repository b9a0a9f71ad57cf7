/**
 * A revision without an agent: main has been merged into the task's branch, and the files that conflicted are made anew
 * by the commands that main declares for them.
 *
 * A command runs as set-up does, in the task's own workspace. Kept true here: nothing is stored but the merge and the
 * files that the rules name.
 */

import { join } from 'node:path';
import { tailOf, type Failure } from '../core/failure.ts';
import { quote } from '../core/ids.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { AttemptOutcome } from '../core/task-types.ts';
import { oneLine } from '../core/text.ts';
import type { Workspace } from '../git/types.ts';
import type { Dependencies } from './dependencies.ts';
import { stopReasonOf } from './heartbeat.ts';
import { describeExit, runCommand } from './run-command.ts';

const COMMAND_TIMEOUT_MS = 10 * 60 * 1_000;
/** Of what storing refuses, what a try of the same again would find again. */
const OF_THE_COMMAND: ReadonlySet<Failure['kind']> = new Set([
  'conflict-markers',
  'nested-repository',
  'unstorable-files',
  'unrelated-history',
  'wrong-branch',
]);

export interface RegenerateRequest {
  readonly request: PhaseRequest;
  readonly workspace: Workspace;
  readonly signal: AbortSignal;
}

export async function regenerate(deps: Dependencies, asked: RegenerateRequest): Promise<AttemptOutcome> {
  const { request, workspace } = asked;
  const facts = { host: deps.hostId, session: null, usage: null } as const;
  const failure = await makeAnew(deps, asked);
  if (stopReasonOf(asked.signal) === 'superseded') {
    const lost: Failure = { kind: 'worker-lost', message: 'another attempt has taken over', next: 'nothing' };
    return { kind: 'failed', failure: lost, ...facts, checkpoint: null };
  }
  if (failure !== null) return { kind: 'failed', failure, ...facts, checkpoint: null };
  const files = workspace.anew?.files ?? [];
  const { spec } = request;
  const named = files.map(quote).join(', ');
  const stored = await deps.git.storeWorkspace({
    project: spec.project,
    origin: spec.origin,
    workspace,
    attempt: request.attempt,
    message: oneLine(`Make ${named} anew`, 200),
    author: spec.owner,
    only: files,
    confirmedAttempt: request.confirmedAttempt,
  });
  if (stored.kind === 'failed') {
    const { failure: kind, message, next } = stored;
    const asFailed = OF_THE_COMMAND.has(kind) ? 'regenerate-failed' : kind;
    return { kind: 'failed', failure: { kind: asFailed, message, next }, ...facts, checkpoint: null };
  }
  const summary =
    files.length === 0 ? `${spec.branch} was merged in` : `${spec.branch} was merged in, ${named} made anew`;
  const { checkpoint } = stored;
  return { kind: 'done', summary, document: null, proposals: [], regenerated: true, ...facts, checkpoint };
}

/** Null when no conflict is left that the commands have not dealt with. */
async function makeAnew(
  deps: Dependencies,
  { request, workspace, signal }: RegenerateRequest,
): Promise<Failure | null> {
  const { anew, conflicted } = workspace;
  if (anew === null && conflicted.length > 0) {
    const message = `more conflicts by now than rules make anew: ${conflicted.slice(0, 5).map(quote).join(', ')}`;
    return { kind: 'regenerate-failed', message, next: 'nothing: the agent takes it over' };
  }
  const { project, id } = request.spec;
  for (const run of anew?.commands ?? []) {
    const exit = await runCommand(deps, {
      run,
      cwd: workspace.worktree,
      purpose: 'setup',
      taskId: id,
      attempt: request.attempt,
      stream: 'regenerate',
      scratch: join(deps.home, 'scratch', project, 'setup'),
      timeoutMs: COMMAND_TIMEOUT_MS,
      signal,
    });
    if (exit.kind === 'exited' && exit.code === 0) continue;
    return {
      kind: exit.kind === 'no-space' ? 'no-space' : 'regenerate-failed',
      message: describeExit(`regenerate (${oneLine(run, 200)})`, exit, COMMAND_TIMEOUT_MS, deps.hostId),
      next: 'nothing: the agent takes it over; mend run: of the rule under merges: in tasks.yaml if it is wrong',
      evidence: tailOf(exit.tail),
    };
  }
  return null;
}
