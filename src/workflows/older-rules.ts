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
 * Whether a signal that names nobody is heard as it is now: it may be a text alone, and it is found out who sent it. Version
 * 0.1.0 did neither. @param spec as the workflow was given it
 */
export function hearsNameless(spec: TaskSpec): boolean {
  return !isOfFirstVersion(spec) || patched('nameless-signals');
}
