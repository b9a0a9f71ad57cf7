/** What follows from an attempt's end, and from what landing says of it. */

import type { Proposal, StageGate } from './ask-types.ts';
import { approveUnasked, askDecision, askQuestions, MAX_UNASKED } from './asking.ts';
import { MAX_LOST_IN_A_ROW, tailOf, type Failure, type FailureKind } from './failure.ts';
import { classBy, policyBy } from './older-rules.ts';
import { mayTryAgain, policyOf } from './phase-policy.ts';
import type { ProtectedChange } from './protected.ts';
import { backoffMs, PHASE_BACKOFF } from './retry.ts';
import type { Landing } from './task-events.ts';
import { cancel, end, enter, goOn, happen, park } from './task-moves.ts';
import type { Stage, Surroundings, Task } from './task-state.ts';
import type { AttemptOutcome, Held, Phase, RevisionRequest, Usage } from './task-types.ts';
import { oneLine } from './text.ts';

/** A limit whose reset is unknown, past or near is waited for at least this long: it spends no try, so nothing else would end it. */
export const MIN_LIMIT_MS = 10_000;
/** So often in a row a conflict is one that files made anew may settle; then it is one like any other. */
export const MAX_REGENERATIONS = 3;
const MAX_EVIDENCE_CHARS = 16 * 1_024;

/** No limit is waited for longer in one go: a timer's milliseconds end at 24 days, and a reset years away is a misreading. */
export const MAX_LIMIT_MS = 20 * 24 * 60 * 60 * 1_000;

export function afterAttempt(
  task: Task,
  outcome: AttemptOutcome,
  surroundings: Surroundings,
  stage: Extract<Stage, { kind: 'phase' }>,
): Task {
  const { phase } = stage;
  const learned = happen(comeNear(learn(task, stage.attempt, outcome), outcome), surroundings, {
    kind: 'attempt-ended',
    phase,
    attempt: stage.attempt,
    outcome: outcome.kind,
    host: outcome.host,
    usage: outcome.usage,
    summary: outcome.kind === 'done' ? outcome.summary : null,
    failure: outcome.kind === 'failed' ? outcome.failure : null,
    ...(outcome.notes === undefined ? {} : { notes: outcome.notes }),
  });
  switch (outcome.kind) {
    case 'done':
      return afterDone(learned, outcome, surroundings, phase);
    case 'question':
      return askQuestions({ ...learned, lostInARow: 0 }, surroundings, phase, outcome.questions);
    case 'proposal':
      return afterProposal({ ...learned, lostInARow: 0 }, surroundings, phase, outcome.proposal);
    case 'failed':
      return afterFailure(learned, outcome.failure, surroundings, phase);
  }
}

function learn(before: Task, attempt: number, outcome: AttemptOutcome): Task {
  const { lost: _, ...task } = before;
  const lost = lostAfter(before.lost ?? [], attempt, outcome);
  return {
    ...task,
    ...(lost.length === 0 ? {} : { lost }),
    session: outcome.session ?? task.session,
    checkpoint: outcome.checkpoint ?? task.checkpoint,
    usage: addUsage(task.usage, outcome.usage),
  };
}

/** More of them than this are not gone on from: five in a row, and a person has looked. */
export const MAX_LOST = 20;

/**
 * Begun by an attempt that nobody has heard of any more, which may have stored work and may still be running; over with the
 * next checkpoint, which goes on from that work. Attempts between the two leave what they had taken over.
 */
function lostAfter(lost: readonly number[], attempt: number, outcome: AttemptOutcome): readonly number[] {
  if (outcome.checkpoint !== null) return [];
  const silent = outcome.kind === 'failed' && outcome.failure.kind === 'worker-lost';
  return silent || lost.length > 0 ? [...lost, attempt].slice(-MAX_LOST) : [];
}

/** The host of the last attempt has the workspace; of one that never ended nobody knows. */
function comeNear(before: Task, { near }: AttemptOutcome): Task {
  const { near: _, ...task } = before;
  return near === undefined ? task : { ...task, near };
}

/** Who decides about a phase's result before the task goes on, where the project wants it. */
const GATE_AFTER: Readonly<Record<Phase, { readonly gate: StageGate; readonly kind: Proposal['kind'] }>> = {
  understand: { gate: 'clarification', kind: 'understanding' },
  plan: { gate: 'plan', kind: 'plan' },
  execute: { gate: 'patch', kind: 'patch' },
  revise: { gate: 'patch', kind: 'patch' },
};
const NEXT_PHASE: Readonly<Partial<Record<Phase, Phase>>> = { understand: 'plan', plan: 'execute' };

/** Whether a person decides about the phase's result, so that it has to be shown. */
export function isReviewed(phase: Phase, approve: readonly StageGate[]): boolean {
  return approve.includes(GATE_AFTER[phase].gate);
}

function afterDone(
  learned: Task,
  outcome: Extract<AttemptOutcome, { kind: 'done' }>,
  surroundings: Surroundings,
  phase: Phase,
): Task {
  const { spec } = surroundings;
  const task: Task = {
    ...learned,
    tries: 0,
    lostInARow: 0,
    lastFailure: null,
    // Where no agent has run, what was done is still what the one before said.
    summary: outcome.regenerated === true ? learned.summary : outcome.summary,
    toMake: [...learned.toMake, ...outcome.proposals],
  };
  const next = NEXT_PHASE[phase];
  const leadsTo = next === undefined ? ({ kind: 'landing' } as const) : ({ kind: 'phase', phase: next } as const);
  const nothingToShow = next === undefined && task.checkpoint?.changed !== true;
  const guarded =
    leadsTo.kind === 'landing' && outcome.protected?.digest !== task.cleared ? outcome.protected : undefined;
  // What was merged by declared rules is not decided about again, no more than what merges by itself.
  const isReviewedAnew = outcome.regenerated !== true && isReviewed(phase, spec.policy.approve);
  if (nothingToShow || (guarded === undefined && !isReviewedAnew)) return goOn(task, surroundings, leadsTo);
  const { kind } = GATE_AFTER[phase];
  const body = outcome.document ?? outcome.summary;
  const proposal: Proposal =
    guarded === undefined
      ? { kind, title: oneLine(outcome.summary), body, items: [] }
      : { kind, title: oneLine(protectedTitle(guarded)), body, items: [], protects: guarded.digest };
  return askDecision(task, surroundings, phase, proposal, leadsTo);
}

/** What it is, before what the agent says of it. */
export function protectedTitle({ paths }: ProtectedChange): string {
  return `It changes what its own work is judged and confined by: ${paths.join(', ')}`;
}

/** An agent's own proposal: what it asks for by itself always waits for a person, but for what the project asks nobody about. */
function afterProposal(task: Task, surroundings: Surroundings, phase: Phase, proposal: Proposal): Task {
  const leadsTo = continuationOf(task, phase, proposal);
  const gate = proposal.kind === 'effect' ? 'effects' : proposal.kind === 'message' ? 'messages' : null;
  const asked = gate === null || surroundings.spec.policy.approve.includes(gate);
  return asked || task.unasked >= MAX_UNASKED
    ? askDecision(task, surroundings, phase, proposal, leadsTo)
    : approveUnasked(task, surroundings, phase, proposal, leadsTo);
}

function continuationOf(task: Task, phase: Phase, { kind }: Proposal) {
  if (kind === 'plan' && (phase === 'understand' || phase === 'plan'))
    return { kind: 'phase', phase: 'execute' } as const;
  const finished = kind === 'patch' && task.checkpoint?.changed === true;
  return finished ? ({ kind: 'landing' } as const) : ({ kind: 'phase', phase } as const);
}

function afterFailure(task: Task, failure: Failure, surroundings: Surroundings, phase: Phase): Task {
  const failed: Task = { ...task, lastFailure: failure };
  if (failure.kind === 'regenerate-failed' && task.request !== null && surroundings.olderRules !== true)
    return afterRegenerateFailed(task, failure, surroundings, task.request);
  switch (classBy(surroundings, failure.kind)) {
    case 'canceled':
      return cancel(failed, surroundings);
    case 'fatal':
      return end(failed, surroundings, 'failed', failure);
    case 'limited': {
      const untilMs = surroundings.nowMs + untilResetMs(failure, surroundings.nowMs);
      return enter({ ...failed, lostInARow: 0 }, surroundings, { kind: 'backoff', phase, untilMs, failure });
    }
    case 'lost': {
      const lostInARow = task.lostInARow + 1;
      const attempt = Math.max(task.attempt, failure.takenUpTo ?? 0);
      if (lostInARow >= MAX_LOST_IN_A_ROW)
        return park({ ...failed, attempt, lostInARow }, surroundings, phase, 'attempts', failure);
      return goOn({ ...failed, attempt, lostInARow }, surroundings, { kind: 'phase', phase });
    }
    case 'exhausted':
    case 'stopped':
      return park({ ...failed, lostInARow: 0 }, surroundings, phase, 'attempts', failure);
    case 'retryable': {
      const policy = policyBy(surroundings);
      const tries = task.tries + 1;
      const tried: Task = { ...failed, tries, lostInARow: 0 };
      if (!mayTryAgain(policy, phase, task, failure)) return park(tried, surroundings, phase, 'attempts', failure);
      const untilMs = surroundings.nowMs + backoffMs(policyOf(policy, phase).backoff, tries, surroundings.random);
      return enter(tried, surroundings, { kind: 'backoff', phase, untilMs, failure });
    }
  }
}

function untilResetMs(failure: Failure, nowMs: number): number {
  const leftMs = (failure.resetsAtMs ?? Number.NaN) - nowMs;
  return Number.isNaN(leftMs) ? PHASE_BACKOFF.capMs : Math.min(MAX_LIMIT_MS, Math.max(MIN_LIMIT_MS, leftMs));
}

/**
 * Sent back by landing; its turn for itself is one revision more than it has. One for files that are made anew costs none,
 * and a shell command runs again on main anyway.
 */
export function afterReturn(
  task: Task,
  { request, turnUntilMs }: { readonly request: RevisionRequest; readonly turnUntilMs?: number | null },
  surroundings: Surroundings,
): Task {
  const isTurn = (turnUntilMs ?? null) !== null;
  const inARow = (task.regenerations?.inARow ?? 0) + 1;
  if (request.regenerate === true && inARow <= MAX_REGENERATIONS && surroundings.spec.work.kind !== 'shell') {
    const regenerations = { inARow, isTurn };
    const again = happen({ ...task, request, regenerations, tries: 0 }, surroundings, { kind: 'returned', request });
    return goOn(again, surroundings, { kind: 'phase', phase: 'revise' });
  }
  return reviseBy({ ...task, regenerations: NO_REGENERATIONS }, withoutRegenerate(request), isTurn, surroundings);
}

const NO_REGENERATIONS = { inARow: 0, isTurn: false } as const;

function withoutRegenerate(request: RevisionRequest): RevisionRequest {
  const { regenerate: _, ...rest } = request;
  return rest;
}

/** What could not be made anew is a conflict like any other, with what went wrong. */
function afterRegenerateFailed(
  task: Task,
  failure: Failure,
  surroundings: Surroundings,
  request: RevisionRequest,
): Task {
  const failed = [failure.message, ...(failure.evidence === undefined ? [] : [failure.evidence])].join('\n');
  const evidence = tailOf(`${request.evidence}\n\n${failed}`, MAX_EVIDENCE_CHARS);
  const text = oneLine(`${request.text}; they could not be made anew: ${failure.message}`, 500);
  const isTurn = task.regenerations?.isTurn === true;
  const ordinary = { ...withoutRegenerate(request), text, evidence };
  return reviseBy(
    { ...task, lostInARow: 0, lastFailure: null, regenerations: NO_REGENERATIONS },
    ordinary,
    isTurn,
    surroundings,
  );
}

/** Has the agent revise the work, or a person look at it when there are no revisions left. */
function reviseBy(task: Task, request: RevisionRequest, isTurn: boolean, surroundings: Surroundings): Task {
  const returned = happen({ ...task, request, tries: 0 }, surroundings, { kind: 'returned', request });
  if (task.revisions >= surroundings.spec.policy.revisions && !isTurn) {
    const kind: FailureKind = request.kind === 'red' ? 'command-failed' : 'conflict-markers';
    const failure: Failure = {
      kind,
      message: oneLine(request.text, 500),
      next: 'look at the evidence, then retry the task to have it revised again, or cancel it',
      evidence: request.evidence,
    };
    return park({ ...returned, lastFailure: failure }, surroundings, 'revise', 'revisions', failure);
  }
  return goOn({ ...returned, revisions: task.revisions + 1 }, surroundings, { kind: 'phase', phase: 'revise' });
}

/** A cancel while an attempt runs: the attempt has ended with it, and the record says so. */
export function cancelAttempt(task: Task, surroundings: Surroundings, stage: Extract<Stage, { kind: 'phase' }>): Task {
  const failure: Failure = {
    kind: 'canceled',
    message: 'the task was canceled',
    next: 'nothing: somebody asked for it',
  };
  const ended = happen(task, surroundings, {
    kind: 'attempt-ended',
    phase: stage.phase,
    attempt: stage.attempt,
    outcome: 'failed',
    host: null,
    usage: null,
    summary: null,
    failure,
  });
  return cancel(ended, surroundings);
}

/** What keeps landing waiting, or that nothing does any more: shown, and otherwise without effect. */
export function holdLanding(
  task: Task,
  held: Held | null,
  surroundings: Surroundings,
  stage: Extract<Stage, { kind: 'landing' | 'withdrawing' }>,
): Task {
  if (held === null && stage.held === null) return task;
  return { ...happen(task, surroundings, { kind: 'held', held }), stage: { ...stage, held } };
}

export function land(task: Task, landing: Landing, surroundings: Surroundings): Task {
  const landed = happen(task, surroundings, { kind: 'landed', landing });
  return end(landed, surroundings, 'landed', null, landing);
}

function addUsage(total: Usage, more: Usage | null): Usage {
  if (more === null) return total;
  return {
    inputTokens: total.inputTokens + more.inputTokens,
    outputTokens: total.outputTokens + more.outputTokens,
    costUsd: total.costUsd + more.costUsd,
  };
}
