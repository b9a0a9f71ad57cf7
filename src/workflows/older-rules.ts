/** By which rules an event is judged: a worker of version 0.2.0 may have done it before (core/older-rules.ts). */

import { patched } from '@temporalio/workflow';
import { isDoneAnew, isJudgedAnew, isReturnedAnew } from '../core/older-rules.ts';
import type { Surroundings, Task, TaskInputEvent } from '../core/task.ts';

/** The surroundings, with the older rules where the history was written by them; asked only where they make a difference. */
export function byRulesOfHistory(task: Task, event: TaskInputEvent, surroundings: Surroundings): Surroundings {
  return isWrittenAnew(task, event, surroundings) ? surroundings : { ...surroundings, olderRules: true };
}

function isWrittenAnew(task: Task, event: TaskInputEvent, { spec }: Surroundings): boolean {
  if (event.kind === 'returned') return !isReturnedAnew(event) || patched('returns');
  if (event.kind !== 'attempt-ended') return true;
  const { outcome } = event;
  if (outcome.kind === 'done') return !isDoneAnew(outcome) || patched('results');
  return outcome.kind !== 'failed' || !isJudgedAnew(task, outcome.failure, spec.policy) || patched('phase-policy');
}
