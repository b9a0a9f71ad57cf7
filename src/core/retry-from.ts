/** From which phase a retried task goes on: from the one that failed, or from an earlier one. */

import { quote } from './ids.ts';
import { fail, ok, type Parsed } from './parsed.ts';
import { phaseOf, type Task } from './task-state.ts';
import type { Phase } from './task-types.ts';

export const PHASES: readonly Phase[] = ['understand', 'plan', 'execute', 'revise'];

/**
 * The phase that somebody names; null when nobody names one.
 *
 * @param first the task's first phase
 */
export function judgeFrom(task: Task, first: Phase, from: unknown): Parsed<Phase | null> {
  if (from === undefined || from === null) return ok(null);
  const phase = PHASES.find((each) => each === from);
  if (phase === undefined) {
    return fail(`from: ${quote(typeof from === 'string' ? from : '')} is no phase; give one of ${PHASES.join(', ')}`);
  }
  if (rank(phase) < rank(first)) return fail(`from: this task has no ${phase} phase; its first one is ${first}`);
  // One that ended while it was landing has done all but that.
  const failed = phaseOf(task) ?? (task.request === null ? 'execute' : 'revise');
  if (rank(phase) > rank(failed)) {
    return fail(`from: it is no further than its ${failed} phase; go on from that or from an earlier one`);
  }
  return ok(phase);
}

/** The task as it is when an earlier phase is gone through again: what people approved of it, and of later ones, is over. */
export function goBack(task: Task, from: Phase | null): Task {
  if (from === null) return task;
  const { understanding, plan } = task.documents;
  return {
    ...task,
    tries: 0,
    documents: { understanding: from === 'understand' ? null : understanding, plan: rank(from) <= 1 ? null : plan },
    request: from === 'revise' ? task.request : null,
  };
}

function rank(phase: Phase): number {
  return PHASES.indexOf(phase);
}
