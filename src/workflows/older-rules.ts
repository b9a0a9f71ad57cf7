/** By which rules a history was written: a worker of an older version may have decided before (core/older-rules.ts). */

import { patched } from '@temporalio/workflow';
import { isOfFirstVersion } from '../core/older.ts';
import { isJudgedAnew } from '../core/older-rules.ts';
import type { Surroundings, Task, TaskInputEvent } from '../core/task.ts';
import type { TaskSpec } from '../core/task-types.ts';

/** The surroundings, with the older rules where the history was written by them; asked only where they make a difference. */
export function byRulesOfHistory(task: Task, event: TaskInputEvent, surroundings: Surroundings): Surroundings {
  if (event.kind !== 'attempt-ended' || event.outcome.kind !== 'failed') return surroundings;
  const isNew = isJudgedAnew(task, event.outcome.failure, surroundings.spec.policy);
  return isNew && !patched('phase-policy') ? { ...surroundings, olderRules: true } : surroundings;
}

/**
 * Whether replies are heard as version 0.1.0 heard them (core/older.ts): it knew no text that is sent alone, did not ask who had sent
 * what names nobody, and told of an update that a run began with after that run's own first step.
 *
 * @param spec as the workflow was given it
 */
export function hearsAsFirstVersion(spec: TaskSpec): boolean {
  return isOfFirstVersion(spec) && !patched('after-first-version');
}
