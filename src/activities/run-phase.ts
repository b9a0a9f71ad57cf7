/**
 * One attempt at one phase: the workspace, the agent, the judgement, the checkpoint. What goes wrong in an expected way
 * is the attempt's outcome; what throws is the engine's fault.
 *
 * Kept true here: the attempt's processes are gone before it answers (N5); what the agent left is stored before the
 * answer, also when the agent failed (N1); only the host that made the workspace touches it.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { classOf, type Failure } from '../core/failure.ts';
import { TAKEN_NEXT } from '../core/moved-origin.ts';
import { shownOrigin } from '../core/origin-url.ts';
import { portOwners } from '../core/ports.ts';
import { createScanner, redactWithin } from '../core/secrets.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { AttemptFacts, AttemptOutcome } from '../core/task-types.ts';
import type { PrepareRequest, Workspace } from '../git/types.ts';
import type { SandboxRequest } from './confine.ts';
import { scratchOf, type Dependencies, type GrantedSecrets } from './dependencies.ts';
import { sinceHandedOut, stillCounts, stopReasonOf, withHeartbeat, type StopReason } from './heartbeat.ts';
import { includeFiles, type Included } from './include.ts';
import { isLeftOut, asSubmitted, termsOn, type Terms } from './phase-terms.ts';
import { beginWhenReached, type MissedOrigins } from './origin-away.ts';
import type { Recorder } from './recorder.ts';
import { regenerate } from './regenerate.ts';
import { runHeld } from './keep-work.ts';
import { failureOfReset } from './set-back.ts';
import { setUpWorkspace } from './set-up.ts';
import { storeWork } from './store-work.ts';
import type { Turns } from './turns.ts';
import type { PhaseAnswer } from './types.ts';

/** A failed attempt is tried again after a second at the soonest: this long it may take to be blamed. */
const SIGNALS_APART_MS = 300;

const DRAINED: Failure = {
  kind: 'worker-drained',
  message: 'the worker was stopped while the attempt ran',
  next: 'nothing: another worker takes it over, or this one when it is back',
};

const TAKEN_OVER: Failure = { kind: 'worker-lost', message: 'another attempt has taken over', next: 'nothing' };

/** What the attempts of one worker share. */
export interface Shared {
  readonly recorder: Recorder;
  readonly turns: Pick<Turns, 'take'>;
  readonly missed: MissedOrigins;
}

export async function runPhase(deps: Dependencies, shared: Shared, request: PhaseRequest): Promise<PhaseAnswer> {
  return withHeartbeat(deps.limits.heartbeatMs, (signal) =>
    shared.turns
      .take(request.spec.id, signal, () => takeTurn(deps, shared, request, signal))
      .catch((error: unknown) => {
        // Stopped while it waited for its turn: it has not begun, and is moved at no cost.
        if (error !== signal.reason || stopReasonOf(signal) !== 'drained') throw error;
        return { outcome: failed(deps, DRAINED), recordedUpTo: null };
      }),
  );
}

async function takeTurn(
  deps: Dependencies,
  shared: Shared,
  request: PhaseRequest,
  signal: AbortSignal,
): Promise<PhaseAnswer> {
  const { recorder } = shared;
  const lasted = sinceHandedOut();
  // What was handed to a host that stood still is somebody else's by now.
  if (!(await stillCounts(deps.client, lasted()))) return { outcome: failed(deps, TAKEN_OVER), recordedUpTo: null };
  const failure = request.record.reset === true ? await failureOfReset(deps, recorder, request) : null;
  if (failure !== null) return { outcome: failed(deps, failure), ...(await recorder.record(request.record)) };
  // The ledger is told beside the work: it must not hold the work up.
  const recording = recorder.begin(request);
  const release = await deps.git.useWorkspace(request.spec.id);
  const outcome = await attempt(deps, shared, { request, signal, lasted }).finally(release);
  const recorded = await recording;
  const stop = stopReasonOf(signal);
  // A workflow that was terminated leaves a workspace that nothing else would lead to.
  if (stop === 'superseded') deps.onEnded(request.spec, request.spec.id);
  if (stop === 'canceled' || stop === 'superseded') throw signal.reason;
  return { outcome: (await isCutShort(deps, stop, outcome)) ? drained(outcome) : outcome, ...recorded };
}

async function attempt(
  deps: Dependencies,
  { recorder, missed }: Shared,
  { request, signal, lasted }: Pick<Work, 'request' | 'signal' | 'lasted'>,
): Promise<AttemptOutcome> {
  const { spec } = request;
  if (request.attempt === 1) {
    const bound = await recorder.attempt('bind-project', () => deps.ledger.bindProject(spec.project, spec.origin));
    if (bound.kind === 'done' && !bound.value) return failed(deps, projectTaken(request));
  }
  const waiting = { ...deps, missed };
  const submitted = await beginWhenReached(waiting, spec, signal, {
    attempt: () => asSubmitted(deps, request),
    whyAway: (read) => (read.kind === 'refused' && read.isAway === true ? read.failure.message : null),
  });
  if (submitted.kind === 'refused') return failed(deps, submitted.failure);
  // Which phases there are was said with the submission: for one that is left out nothing is made.
  if (isLeftOut(request.phase, submitted.definition)) return passedOver(deps, request);
  const granted = await deps.secretsFor(spec.work.kind === 'shell' ? null : spec.work.agent);
  if (granted.kind === 'invalid') return failed(deps, noSecret(granted.message));

  const prepared = await beginWhenReached(waiting, spec, signal, {
    attempt: () => deps.git.prepareWorkspace(prepareRequestOf(request)),
    whyAway: (made) => (made.kind === 'failed' && made.isAway === true ? made.message : null),
  });
  if (prepared.kind === 'failed') {
    return failed(deps, { kind: prepared.failure, message: prepared.message, next: prepared.next });
  }
  const { workspace } = prepared;
  const terms = await termsOn(deps, request, workspace.base, submitted);
  if (terms.kind === 'refused') {
    await deps.git.leaveAttempt(spec.project, spec.id, request.attempt);
    return failed(deps, terms.failure);
  }
  for (const opens of terms.confined.kind === 'sandbox' ? terms.confined.notes : []) {
    deps.log(`an attempt: ${opens}`, { task: spec.id, attempt: request.attempt });
  }
  return workIn(deps, workspace, { request, ...terms, granted: granted.value, signal, lasted });
}

function prepareRequestOf({ spec, attempt, start, regenerate, unfinished }: PhaseRequest): PrepareRequest {
  const { id, project, origin, branch } = spec;
  return {
    taskId: id,
    project,
    origin,
    branch,
    attempt,
    start,
    regenerate: regenerate === true,
    ...(unfinished === undefined ? {} : { unfinished }),
  };
}

interface Work extends Terms {
  readonly request: PhaseRequest;
  readonly granted: GrantedSecrets;
  readonly signal: AbortSignal;
  readonly lasted: () => number;
}

/** What nobody but the engine writes. */
const ITS_OWN: ReadonlySet<string> = new Set(['kind', 'id', 'type', 'host', 'checkpoint', 'digest']);

/** The attempt in its workspace; what goes into the history of it is without secrets, however the agent has written them (N10). */
async function workIn(deps: Dependencies, workspace: Workspace, work: Work): Promise<AttemptOutcome> {
  const included = await includeFiles(deps, work.request.spec, workspace);
  const outcome = await workWith(deps, workspace, work, included);
  return redactWithin([...work.granted.secrets, ...included.secrets], outcome, ITS_OWN);
}

/** Set-up, the agent, and what is stored of it. */
async function workWith(
  deps: Dependencies,
  workspace: Workspace,
  work: Work,
  included: Included,
): Promise<AttemptOutcome> {
  const { request, settings, definition, wanted, confined, signal, lasted } = work;
  const { spec } = request;
  const ports = await deps.ports.lease(portOwners.task(spec.project, spec.id));
  const notes = [...confined.notes, ...included.notes];
  const secrets = [...work.granted.secrets, ...included.secrets];
  const scratch = scratchOf(deps, spec);
  const sandbox = confined.kind === 'sandbox' ? await sandboxOf(deps, request, workspace, scratch) : null;
  if (sandbox === null) await deps.git.separateWorkspace({ project: spec.project, origin: spec.origin, workspace });
  const { setup, confinement } = settings;
  const inSetUp = sandbox === null ? null : { ...sandbox, network: confinement.setup };
  const scanGranted = createScanner(work.granted.secrets);
  const scan = (content: Buffer) => [...scanGranted(content), ...included.scan(content)];
  const taking = { settings, secrets, scan };
  const common = { request, workspace, ports, signal };
  if (request.regenerate === true) {
    return withNotes(await regenerate(deps, { ...common, sandbox: inSetUp, taking, secrets, lasted }), notes);
  }
  const inPhase = sandbox === null ? null : { ...sandbox, network: wanted.network };
  const granted = { ...work.granted, secrets };
  const agent = { ...common, definition, scratch, sandbox: inPhase, granted };
  const { value, takenOver, hasRef, ...kept } = await runHeld(deps, { ...common, lasted }, scan, async (held) => {
    const inTime = { ...common, signal: held.signal };
    const setUp = await setUpWorkspace(deps, { ...inTime, setup, secrets, sandbox: inSetUp });
    return setUp.kind === 'failed' ? setUp : { ...setUp, ...(await held.runAgent(agent)) };
  });
  if (takenOver || stopReasonOf(signal) === 'superseded') return failed(deps, TAKEN_OVER);
  if (value.kind === 'failed') {
    await deps.git.leaveAttempt(spec.project, spec.id, request.attempt);
    return withNotes(failed(deps, value.failure), notes);
  }
  const { run, session } = value;
  return withNotes(await storeWork(deps, request, workspace, run, { ...taking, session, hasRef }, signal), [
    ...wentOnFrom(workspace),
    ...notes,
    ...value.notes,
    ...kept.notes,
  ]);
}

function wentOnFrom({ unfinished }: Workspace): readonly string[] {
  return unfinished === undefined ? [] : [`it went on from the unfinished work of attempt ${unfinished.attempt}`];
}

function withNotes(outcome: AttemptOutcome, notes: readonly string[]): AttemptOutcome {
  return notes.length === 0 ? outcome : { ...outcome, notes };
}

/** What the processes of an attempt may write and see; the network is for each to say. */
async function sandboxOf(
  deps: Dependencies,
  { spec }: PhaseRequest,
  workspace: Workspace,
  scratch: string,
): Promise<Omit<SandboxRequest, 'network'>> {
  const { project, origin, work } = spec;
  return {
    write: [workspace.worktree, workspace.taskDir],
    repository: await deps.git.confineWorkspace({ project, origin, workspace }),
    scratch,
    tmp: `${scratch}.tmp`,
    agent: work.kind === 'shell' ? null : work.agent,
  };
}

function passedOver(deps: Dependencies, { phase }: PhaseRequest): AttemptOutcome {
  const facts: AttemptFacts = { host: deps.hostId, session: null, usage: null, checkpoint: null };
  return {
    kind: 'done',
    summary: `tasks.yaml leaves ${phase} out for this agent`,
    document: null,
    proposals: [],
    ...facts,
  };
}

function noSecret(message: string): Failure {
  return { kind: 'bad-configuration', message, next: 'mend it on this host, restart the worker, then tasks retry' };
}

function projectTaken(request: PhaseRequest): Failure {
  return {
    kind: 'project-taken',
    message: `the project name ${request.spec.project} belongs to another origin than ${shownOrigin(request.spec.origin)}`,
    next: TAKEN_NEXT,
  };
}

function failed(deps: Dependencies, failure: Failure): AttemptOutcome {
  return { kind: 'failed', failure, host: deps.hostId, session: null, usage: null, checkpoint: null };
}

/**
 * A worker's grace may be over, or whoever stops it (a service manager, a closing terminal) has signaled the agent too,
 * which may end by that as it likes. At most so many such in a row as of any lost attempts.
 */
async function isCutShort(deps: Dependencies, stop: StopReason, outcome: AttemptOutcome): Promise<boolean> {
  if (stop === 'drained') return true;
  if (outcome.kind !== 'failed' || classOf(outcome.failure.kind) !== 'retryable') return false;
  // Who stops the worker and its agents together may have the agents end first: it is waited for the worker's own signal.
  if (!deps.isDraining()) await pause(SIGNALS_APART_MS);
  return deps.isDraining();
}

/** An attempt that a stopping worker cut short: what it left is kept, and it is moved at no cost. */
function drained(outcome: AttemptOutcome): AttemptOutcome {
  if (outcome.kind !== 'failed') return outcome;
  const { evidence } = outcome.failure;
  const failure: Failure = { ...DRAINED, ...(evidence === undefined ? {} : { evidence }) };
  return { ...outcome, failure };
}
