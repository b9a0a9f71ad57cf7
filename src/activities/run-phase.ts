/**
 * One attempt at one phase: the workspace, the agent, the judgement, the checkpoint. What goes wrong in an expected way
 * is the attempt's outcome; what throws is the engine's fault.
 *
 * Kept true here: the attempt's processes are gone before it answers (N5); what the agent left is stored before the
 * answer, also when the agent failed (N1); only the host that made the workspace touches it.
 */

import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Judgement } from '../agents/types.ts';
import type { Proposal } from '../core/ask-types.ts';
import { classOf, type Failure } from '../core/failure.ts';
import { TASK_ID_LENGTH, taskIdFromBytes } from '../core/ids.ts';
import { createScanner } from '../core/secrets.ts';
import type { AgentDefinition, Confinement, ProjectSettings } from '../core/project.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import {
  MAX_DOCUMENT_CHARS,
  type AttemptFacts,
  type AttemptOutcome,
  type NewTask,
  type Phase,
} from '../core/task-types.ts';
import { headOf } from '../core/text.ts';
import type { Scan, Workspace } from '../git/types.ts';
import { confining, type SandboxRequest } from './confine.ts';
import type { Dependencies } from './dependencies.ts';
import { stopReasonOf, withHeartbeat, type StopReason } from './heartbeat.ts';
import { readSettings } from './project-settings.ts';
import type { Recorder } from './recorder.ts';
import { reviewedDocument, reviewedPatch } from './reviewed-document.ts';
import { runAgent, type AgentRun } from './run-agent.ts';
import { failureOfReset } from './set-back.ts';
import { setUpWorkspace } from './set-up.ts';
import type { Turns } from './turns.ts';
import type { PhaseAnswer } from './types.ts';

/** A failed attempt is tried again after a second at the soonest: this long it may take to be blamed. */
const SIGNALS_APART_MS = 300;

const DRAINED: Failure = {
  kind: 'worker-drained',
  message: 'the worker was stopped while the attempt ran',
  next: 'nothing: another worker takes it over, or this one when it is back',
};

export async function runPhase(
  deps: Dependencies,
  recorder: Recorder,
  turns: Turns,
  request: PhaseRequest,
): Promise<PhaseAnswer> {
  return withHeartbeat(deps.limits.heartbeatMs, (signal) =>
    turns
      .take(request.spec.id, signal, () => takeTurn(deps, recorder, request, signal))
      .catch((error: unknown) => {
        // Stopped while it waited for its turn: it has not begun, and is moved at no cost.
        if (error !== signal.reason || stopReasonOf(signal) !== 'drained') throw error;
        return { outcome: failed(deps, DRAINED), recordedUpTo: null };
      }),
  );
}

async function takeTurn(
  deps: Dependencies,
  recorder: Recorder,
  request: PhaseRequest,
  signal: AbortSignal,
): Promise<PhaseAnswer> {
  const failure = request.record.reset === true ? await failureOfReset(deps, recorder, request) : null;
  if (failure !== null) return { outcome: failed(deps, failure), ...(await recorder.record(request.record)) };
  // The ledger is told beside the work: it must not hold the work up.
  const recording = recorder.begin(request);
  const outcome = await attempt(deps, recorder, request, signal);
  const recorded = await recording;
  const stop = stopReasonOf(signal);
  // A workflow that was terminated leaves a workspace that nothing else would lead to.
  if (stop === 'superseded') deps.onEnded(request.spec, request.spec.id);
  if (stop === 'canceled' || stop === 'superseded') throw signal.reason;
  return { outcome: (await isCutShort(deps, stop, outcome)) ? drained(outcome) : outcome, ...recorded };
}

async function attempt(
  deps: Dependencies,
  recorder: Recorder,
  request: PhaseRequest,
  signal: AbortSignal,
): Promise<AttemptOutcome> {
  const { spec } = request;
  if (request.attempt === 1) {
    const bound = await recorder.attempt('bind-project', () => deps.ledger.bindProject(spec.project, spec.origin));
    if (bound.kind === 'done' && !bound.value) return failed(deps, projectTaken(request));
  }
  const settings = await readSettings(deps, spec, spec.configCommit);
  if (settings.kind === 'failed') return failed(deps, settings.failure);
  const agent = agentOf(request, settings.settings.agents);
  if (agent.kind === 'failed') return failed(deps, agent.failure);
  if (isLeftOut(request.phase, agent.definition)) return passedOver(deps, request);
  const wanted = confinementOf(agent.definition, settings.settings);
  const confined = confining(deps, wanted);
  if (confined.kind === 'refused') return failed(deps, confined.failure);

  const granted = await deps.secretsFor(request.spec.work.kind === 'shell' ? null : request.spec.work.agent);
  if (granted.kind === 'invalid') return failed(deps, noSecret(granted.message));

  const prepared = await deps.git.prepareWorkspace({
    taskId: spec.id,
    project: spec.project,
    origin: spec.origin,
    branch: spec.branch,
    attempt: request.attempt,
    start: request.start,
  });
  if (prepared.kind === 'failed') {
    return failed(deps, { kind: prepared.failure, message: prepared.message, next: prepared.next });
  }
  const { workspace } = prepared;
  const scratch = join(deps.home, 'scratch', spec.project, spec.id);
  const sandbox = confined.kind === 'sandbox' ? await sandboxOf(deps, request, workspace, scratch) : null;
  const { setup, confinement } = settings.settings;
  const inSetUp = sandbox === null ? null : { ...sandbox, network: confinement.setup };
  const setUp = await setUpWorkspace(deps, { request, workspace, setup, signal, sandbox: inSetUp });
  if (setUp !== null) return withNotes(failed(deps, setUp), confined.notes);

  const inPhase = sandbox === null ? null : { ...sandbox, network: wanted.network };
  const run = await runAgent(deps, {
    request,
    workspace,
    definition: agent.definition,
    scratch,
    sandbox: inPhase,
    granted: granted.value,
    signal,
  });
  return stopReasonOf(signal) === 'superseded'
    ? failed(deps, { kind: 'worker-lost', message: 'another attempt has taken over', next: 'nothing' })
    : withNotes(await store(deps, request, workspace, run, createScanner(granted.value.secrets)), confined.notes);
}

function withNotes(outcome: AttemptOutcome, notes: readonly string[]): AttemptOutcome {
  return notes.length === 0 ? outcome : { ...outcome, notes };
}

function confinementOf(definition: AgentDefinition | null, { confinement }: ProjectSettings): Confinement {
  return {
    sandbox: definition?.sandbox ?? confinement.sandbox,
    network: definition?.network ?? confinement.agents,
  };
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

/** Stores what the agent left, whatever became of the agent, and says the attempt's outcome. */
async function store(
  deps: Dependencies,
  request: PhaseRequest,
  workspace: Workspace,
  run: AgentRun,
  scan: Scan,
): Promise<AttemptOutcome> {
  const { spec } = request;
  const { judgement } = run;
  const facts = { host: deps.hostId, session: run.session, usage: run.usage };
  // A shell command that failed is run again from main: what it left half-done is of no use.
  if (judgement.kind === 'failed' && spec.work.kind === 'shell')
    return outcomeOf(judgement, null, { ...facts, checkpoint: null });
  const stored = await deps.git.storeWorkspace({
    project: spec.project,
    origin: spec.origin,
    workspace,
    attempt: request.attempt,
    message: spec.title,
    author: spec.owner,
    scan,
    confirmedAttempt: request.confirmedAttempt,
  });
  if (stored.kind === 'stored') {
    const { checkpoint } = stored;
    const reviewed = judgement.kind === 'done' && request.reviewed;
    const document = reviewed ? await reviewedDocument(deps, request, workspace, checkpoint) : null;
    const patch = isPatch(judgement) ? await reviewedPatch(deps, request, checkpoint) : null;
    return outcomeOf(judgement, document ?? patch, { ...facts, checkpoint });
  }
  if (stored.failure === 'secret-found') {
    const found: Failure = { kind: stored.failure, message: stored.message, next: stored.next };
    return { kind: 'failed', failure: found, ...facts, session: null, checkpoint: null };
  }
  // The agent's own failure, or its question, says more than what was wrong with what it left.
  if (judgement.kind !== 'done') return outcomeOf(judgement, null, { ...facts, checkpoint: null });
  const failure: Failure = { kind: stored.failure, message: stored.message, next: stored.next };
  return { kind: 'failed', failure, ...facts, checkpoint: null };
}

function outcomeOf(judgement: Judgement, document: string | null, facts: AttemptFacts): AttemptOutcome {
  switch (judgement.kind) {
    case 'done': {
      const { summary } = judgement;
      const proposals = judgement.proposals.map((proposed): NewTask => ({
        ...proposed,
        id: taskIdFromBytes(randomBytes(TASK_ID_LENGTH)),
        type: 'proposal',
      }));
      return { kind: 'done', summary, document, proposals, ...facts };
    }
    case 'question':
      return { kind: 'question', questions: judgement.questions, ...facts };
    case 'proposal':
      return { kind: 'proposal', proposal: withPatch(judgement.proposal, document), ...facts };
    case 'failed':
      return { kind: 'failed', failure: judgement.failure, ...facts };
  }
}

function isPatch(judgement: Judgement): boolean {
  return judgement.kind === 'proposal' && judgement.proposal.kind === 'patch';
}

/** What an agent says of its patch, and the patch itself. */
function withPatch(proposal: Proposal, patch: string | null): Proposal {
  return patch === null ? proposal : { ...proposal, body: headOf(`${proposal.body}\n\n${patch}`, MAX_DOCUMENT_CHARS) };
}

function agentOf(
  request: PhaseRequest,
  agents: Readonly<Record<string, AgentDefinition>>,
):
  | { readonly kind: 'ok'; readonly definition: AgentDefinition | null }
  | { readonly kind: 'failed'; readonly failure: Failure } {
  const { work } = request.spec;
  if (work.kind === 'shell') return { kind: 'ok', definition: null };
  const definition = agents[work.agent];
  if (definition !== undefined) return { kind: 'ok', definition };
  return {
    kind: 'failed',
    failure: {
      kind: 'bad-configuration',
      message: `tasks.yaml at ${request.spec.configCommit} has no agent ${work.agent}`,
      next: `add it under agents: in tasks.yaml, commit, and submit again; it has ${Object.keys(agents).join(', ')}`,
    },
  };
}

/** Only the reading phases can be: without execute there is no work, and what came back must be revised. */
function isLeftOut(phase: Phase, definition: AgentDefinition | null): boolean {
  if (phase !== 'understand' && phase !== 'plan') return false;
  return definition?.kind === 'command' && !definition.phases.includes(phase);
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
    message: `the project name ${request.spec.project} belongs to another origin than ${request.spec.origin}`,
    next: 'give this repository another project name in tasks.yaml and submit again',
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
