/** Storing what an attempt left, and what the attempt came to with it. */

import { randomBytes } from 'node:crypto';
import type { Judgement } from '../agents/types.ts';
import type { Proposal } from '../core/ask-types.ts';
import { protectedTitle } from '../core/attempts.ts';
import type { Failure } from '../core/failure.ts';
import { TASK_ID_LENGTH, taskIdFromBytes } from '../core/ids.ts';
import type { ProjectSettings } from '../core/project.ts';
import type { ProtectedChange } from '../core/protected.ts';
import { naming, removedTests } from '../core/removed-tests.ts';
import type { Secret } from '../core/secrets.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import { MAX_DOCUMENT_CHARS, type AttemptFacts, type AttemptOutcome, type NewTask } from '../core/task-types.ts';
import { headOf, oneLine } from '../core/text.ts';
import { removeWhole } from '../files/remove.ts';
import type { Scan, StoreRequest, Workspace } from '../git/types.ts';
import { scratchOf, type Dependencies } from './dependencies.ts';
import { storeWhenReached } from './origin-away.ts';
import { changesIn, protectedChange } from './protected-paths.ts';
import { reviewedDocument, reviewedPatch } from './reviewed-document.ts';
import type { AgentRun } from './run-agent.ts';

/** By what it is judged whether what an attempt left may be stored, and land. */
export interface Taking {
  readonly settings: ProjectSettings;
  readonly scan: Scan;
  /** To be taken out of what is shown. */
  readonly secrets: readonly Secret[];
  /** The agent's session, where it can travel. */
  readonly session?: Buffer | null;
  /** Whether the attempt has had a ref of its own on the origin. */
  readonly hasRef?: boolean;
}

/** Stores what the agent left, whatever became of the agent, and says the attempt's outcome. */
export async function storeWork(
  deps: Dependencies,
  request: PhaseRequest,
  workspace: Workspace,
  run: AgentRun,
  { settings, scan, secrets, session = null, hasRef = false }: Taking,
  signal: AbortSignal,
): Promise<AttemptOutcome> {
  const { spec } = request;
  const { judgement } = run;
  const facts = { host: deps.hostId, session: run.session, usage: run.usage };
  // To store it would fill the disk further, and to leave it there would keep it full.
  if (judgement.kind === 'failed' && judgement.failure.kind === 'too-much-written') {
    await discardWorkspace(deps, request);
    return outcomeOf(judgement, null, { ...facts, session: null, checkpoint: null });
  }
  // A shell command that failed is run again from main: what it left half-done is of no use.
  if (judgement.kind === 'failed' && spec.work.kind === 'shell')
    return outcomeOf(judgement, null, { ...facts, checkpoint: null });
  const storing: StoreRequest = {
    project: spec.project,
    origin: spec.origin,
    workspace,
    attempt: request.attempt,
    message: spec.title,
    author: spec.owner,
    scan,
    maxBytes: deps.limits.maxWrittenBytes,
    hasRef,
    ...(mayLand(request, judgement) ? { anew: true } : {}),
    ...(session === null ? {} : { session }),
    confirmedAttempt: request.confirmedAttempt,
  };
  const stored = await storeWhenReached(deps, storing, signal);
  if (stored.kind === 'stored') {
    const changes = mayLand(request, judgement) ? await changesIn(deps, request, stored.checkpoint) : [];
    const guarded = await protectedChange(deps, request, settings, stored.checkpoint, changes);
    const checkpoint = naming(stored.checkpoint, removedTests(changes));
    const reviewed = judgement.kind === 'done' && (request.reviewed || guarded !== null);
    const document = reviewed ? await reviewedDocument(deps, request, workspace, { checkpoint, secrets }) : null;
    const patch = isPatch(judgement) ? await reviewedPatch(deps, request, { checkpoint, secrets }) : null;
    return withGuarded(outcomeOf(judgement, document ?? patch, { ...facts, checkpoint }), guarded);
  }
  if (stored.failure === 'secret-found') {
    const found: Failure = { kind: stored.failure, message: stored.message, next: stored.next };
    return { kind: 'failed', failure: found, ...facts, session: null, checkpoint: null };
  }
  // The agent's own failure, or its question, says more than what was wrong with what it left. A patch that is not stored is
  // none: what was stored before would land by its approval, and nobody would have been shown that.
  if (judgement.kind !== 'done' && !isPatch(judgement))
    return outcomeOf(judgement, null, { ...facts, checkpoint: null });
  const failure: Failure = { kind: stored.failure, message: stored.message, next: stored.next };
  return { kind: 'failed', failure, ...facts, checkpoint: null };
}

/** What fills the disk goes: the next attempt begins from what was stored before. */
export async function discardWorkspace(deps: Dependencies, { spec }: PhaseRequest): Promise<void> {
  const scratch = scratchOf(deps, spec);
  try {
    await deps.git.removeWorkspace(spec.project, spec.id);
  } finally {
    for (const folder of [scratch, `${scratch}.tmp`]) await removeWhole(folder);
  }
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

/** Whether a person's approval, or nobody's, stands between it and landing. */
function mayLand({ phase }: PhaseRequest, judgement: Judgement): boolean {
  return (judgement.kind === 'done' && (phase === 'execute' || phase === 'revise')) || isPatch(judgement);
}

/** A protected change is said as what it is, also where an agent asks for the approval of its patch by itself. */
function withGuarded(outcome: AttemptOutcome, guarded: ProtectedChange | null): AttemptOutcome {
  if (guarded === null) return outcome;
  if (outcome.kind === 'done') return { ...outcome, protected: guarded };
  if (outcome.kind !== 'proposal') return outcome;
  const { proposal } = outcome;
  const title = oneLine(`${protectedTitle(guarded)} — ${proposal.title}`);
  return { ...outcome, proposal: { ...proposal, title, protects: guarded.digest } };
}

function isPatch(judgement: Judgement): boolean {
  return judgement.kind === 'proposal' && judgement.proposal.kind === 'patch';
}

/** What an agent says of its patch, and the patch itself. */
function withPatch(proposal: Proposal, patch: string | null): Proposal {
  return patch === null ? proposal : { ...proposal, body: headOf(`${proposal.body}\n\n${patch}`, MAX_DOCUMENT_CHARS) };
}
