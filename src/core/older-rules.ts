/**
 * What version 0.2.0 made of an attempt's end and of what landing sends back: its workers may stand beside this one's and have
 * decided about the present history, which must replay (N11).
 */

import { classOf, type Failure, type FailureClass, type FailureKind } from './failure.ts';
import { mayTryAgain, policyOf } from './phase-policy.ts';
import type { Surroundings, Task, TaskInputEvent } from './task-state.ts';
import type { AttemptOutcome, TaskPolicy } from './task-types.ts';

type Done = Extract<AttemptOutcome, { kind: 'done' }>;
type Returned = Pick<Extract<TaskInputEvent, { kind: 'returned' }>, 'request' | 'turnUntilMs'>;

/** Kinds that have come since, and are not simply tried again, as 0.2.0 tries again what it does not know. */
const NEWER: ReadonlySet<FailureKind> = new Set(['agent-exhausted', 'secret-found', 'no-sandbox', 'regenerate-failed']);

/** The class of a kind by these surroundings' rules. */
export function classBy({ olderRules }: Surroundings, kind: FailureKind): FailureClass {
  return olderRules === true && NEWER.has(kind) ? 'retryable' : classOf(kind);
}

/** The policy by these surroundings' rules: the older ones know one for all phases, and no back-off of a project's own. */
export function policyBy({ olderRules, spec }: Surroundings): TaskPolicy {
  return olderRules === true ? olderPolicy(spec.policy) : spec.policy;
}

function olderPolicy(policy: TaskPolicy): TaskPolicy {
  const { phases: _phases, backoff: _backoff, retryStallsOnce: _retryStallsOnce, ...older } = policy;
  return older;
}

/** What was done as these surroundings' rules see it: the older ones know no protected changes and no files that were made anew. */
export function doneBy({ olderRules }: Surroundings, outcome: Done): Done {
  if (olderRules !== true) return outcome;
  const { protected: _protected, regenerated: _regenerated, ...older } = outcome;
  return older;
}

/** Whether the older rules leave something of it out. */
export function isDoneAnew(outcome: Done): boolean {
  return outcome.protected !== undefined || outcome.regenerated === true;
}

/** What landing sends back as these surroundings' rules see it: with the older ones each is a revision, and nothing gets a turn for itself. */
export function returnedBy({ olderRules }: Surroundings, returned: Returned): Returned {
  if (olderRules !== true) return returned;
  const { regenerate: _, ...request } = returned.request;
  return { request };
}

/** Whether the older rules leave something of it out. */
export function isReturnedAnew({ request, turnUntilMs = null }: Returned): boolean {
  return request.regenerate === true || turnUntilMs !== null;
}

/** Whether something else follows from the failure of the attempt under way than did by the older rules. */
export function isJudgedAnew(task: Task, failure: Failure, policy: TaskPolicy): boolean {
  if (task.stage.kind !== 'phase') return false;
  if (NEWER.has(failure.kind)) return true;
  if (classOf(failure.kind) !== 'retryable') return false;
  const { phase } = task.stage;
  const isTriedAgain = mayTryAgain(policy, phase, task, failure);
  const older = olderPolicy(policy);
  if (isTriedAgain !== mayTryAgain(older, phase, task, failure)) return true;
  const now = policyOf(policy, phase).backoff;
  const before = policyOf(older, phase).backoff;
  return isTriedAgain && (now.firstMs !== before.firstMs || now.capMs !== before.capMs);
}
