/**
 * What version 0.2.0 made of a failed attempt: its workers may stand beside this one's and have decided about the
 * present history, which must replay (N11).
 */

import { classOf, type Failure, type FailureClass, type FailureKind } from './failure.ts';
import { mayTryAgain, policyOf } from './phase-policy.ts';
import type { Surroundings, Task } from './task-state.ts';
import type { TaskPolicy } from './task-types.ts';

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
