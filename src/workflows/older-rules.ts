/** By which rules a failed attempt is judged: a worker of version 0.2.0 may have done it before (core/older-rules.ts). */

import { patched } from '@temporalio/workflow';
import { isJudgedAnew } from '../core/older-rules.ts';
import type { Surroundings, Task, TaskInputEvent } from '../core/task.ts';

/** The surroundings, with the older rules where the history was written by them; asked only where they make a difference. */
export function byRulesOfHistory(task: Task, event: TaskInputEvent, surroundings: Surroundings): Surroundings {
  if (event.kind !== 'attempt-ended' || event.outcome.kind !== 'failed') return surroundings;
  const isNew = isJudgedAnew(task, event.outcome.failure, surroundings.spec.policy);
  return isNew && !patched('phase-policy') ? { ...surroundings, olderRules: true } : surroundings;
}
