/**
 * A revision without an agent: main has been merged into the task's branch, and the files that conflicted are made anew
 * by the commands that main declares for them.
 *
 * A command runs confined as set-up is, in the task's own workspace. Kept true here: nothing is stored but the merge and
 * the files that the rules name; what else the merge has made of protected paths is for a person to see.
 */

import { tailOf, type Failure } from '../core/failure.ts';
import { quote } from '../core/ids.ts';
import type { Secret } from '../core/secrets.ts';
import type { PortRange } from '../core/ports.ts';
import type { ProtectedChange } from '../core/protected.ts';
import { naming, removedTests, type ChangedFile } from '../core/removed-tests.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { AttemptOutcome, Checkpoint } from '../core/task-types.ts';
import { oneLine } from '../core/text.ts';
import type { Workspace } from '../git/types.ts';
import { makeSandbox, type SandboxRequest } from './confine.ts';
import { setUpScratchOf, type Dependencies } from './dependencies.ts';
import { stopReasonOf } from './heartbeat.ts';
import { runHeld } from './keep-work.ts';
import { changesIn, protectedChange } from './protected-paths.ts';
import { reviewedDocument } from './reviewed-document.ts';
import { describeExit, runCommand } from './run-command.ts';
import { discardWorkspace, type Taking } from './store-work.ts';

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
  /** As set-up's: of the attempt, with the network that set-up has; null: without one. */
  readonly sandbox: SandboxRequest | null;
  readonly taking: Taking;
  readonly ports: PortRange | null;
  /** To be taken out of what it prints. */
  readonly secrets: readonly Secret[];
  readonly signal: AbortSignal;
  /** For how long the attempt has been under way, in milliseconds. */
  readonly lasted: () => number;
}

export async function regenerate(deps: Dependencies, asked: RegenerateRequest): Promise<AttemptOutcome> {
  const { request, workspace, taking } = asked;
  const facts = { host: deps.hostId, session: null, usage: null } as const;
  const held = await runHeld(
    deps,
    asked,
    () => [],
    ({ signal }) => makeAnew(deps, { ...asked, signal }),
  );
  const { value: failure, takenOver, hasRef } = held;
  if (takenOver || stopReasonOf(asked.signal) === 'superseded') {
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
    scan: taking.scan,
    hasRef,
    anew: true,
    confirmedAttempt: request.confirmedAttempt,
  });
  if (stored.kind === 'failed') {
    const { failure: kind, message, next } = stored;
    const asFailed = OF_THE_COMMAND.has(kind) ? 'regenerate-failed' : kind;
    return { kind: 'failed', failure: { kind: asFailed, message, next }, ...facts, checkpoint: null };
  }
  const summary =
    files.length === 0 ? `${spec.branch} was merged in` : `${spec.branch} was merged in, ${named} made anew`;
  const changes = await changesIn(deps, request, stored.checkpoint);
  const checkpoint = naming(stored.checkpoint, removedTests(changes));
  const done = {
    kind: 'done',
    summary,
    document: null,
    proposals: [],
    regenerated: true,
    ...facts,
    checkpoint,
  } as const;
  const guarded = await newlyProtected(deps, asked, { checkpoint, changes }, files);
  if (guarded === null) return done;
  const document = await reviewedDocument(deps, request, workspace, { checkpoint, secrets: taking.secrets });
  return { ...done, document, protected: guarded };
}

/** What this attempt has made of protected paths, but for those that main's own rules have made anew. */
async function newlyProtected(
  deps: Dependencies,
  { request, taking }: RegenerateRequest,
  now: { readonly checkpoint: Checkpoint; readonly changes: readonly ChangedFile[] },
  files: readonly string[],
): Promise<ProtectedChange | null> {
  const changeIn = (at: Checkpoint, changes: readonly ChangedFile[]): Promise<ProtectedChange | null> =>
    protectedChange(deps, request, taking.settings, at, changes, files);
  const after = await changeIn(now.checkpoint, now.changes);
  if (after === null || request.start.kind === 'main') return after;
  // What was there before was handed off already, with whatever had to be said to it.
  const { checkpoint } = request.start;
  const before = await changeIn(checkpoint, await changesIn(deps, request, checkpoint));
  return before?.digest === after.digest ? null : after;
}

/** Null when no conflict is left that the commands have not dealt with. */
async function makeAnew(
  deps: Dependencies,
  { request, workspace, sandbox, ports, secrets, signal }: RegenerateRequest,
): Promise<Failure | null> {
  const { anew, conflicted } = workspace;
  if (anew === null && conflicted.length > 0) {
    const message = `more conflicts by now than rules make anew: ${conflicted.slice(0, 5).map(quote).join(', ')}`;
    return { kind: 'regenerate-failed', message, next: 'nothing: the agent takes it over' };
  }
  const { project, id } = request.spec;
  const scratch = setUpScratchOf(deps, project);
  for (const run of anew?.commands ?? []) {
    const exit = await runCommand(deps, {
      run,
      cwd: workspace.worktree,
      purpose: 'setup',
      taskId: id,
      attempt: request.attempt,
      stream: 'regenerate',
      scratch,
      ports,
      secrets,
      sandbox: sandbox === null ? null : await makeSandbox(deps, { ...sandbox, scratch, agent: null }),
      timeoutMs: COMMAND_TIMEOUT_MS,
      signal,
    });
    if (exit.kind === 'exited' && exit.code === 0) continue;
    if (exit.kind === 'over-limit' && exit.limit === 'too-much-written') await discardWorkspace(deps, request);
    return {
      kind: exit.kind === 'no-space' ? 'no-space' : 'regenerate-failed',
      message: describeExit(`regenerate (${oneLine(run, 200)})`, exit, COMMAND_TIMEOUT_MS, deps.hostId),
      next: 'nothing: the agent takes it over; mend run: of the rule under merges: in tasks.yaml if it is wrong',
      evidence: tailOf(exit.tail),
    };
  }
  return null;
}
