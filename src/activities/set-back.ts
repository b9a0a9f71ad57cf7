/**
 * An attempt of a workflow that somebody has set back (a Temporal Reset). It goes through numbers that the run before has
 * used, and whose refs, logs and records are there: so it says which ones, and goes on above them.
 */

import type { Failure } from '../core/failure.ts';
import type { PhaseRequest } from '../core/task-request.ts';
import type { Dependencies } from './dependencies.ts';
import type { Recorder } from './recorder.ts';

/** Null when the attempt's number is free, and the task has not landed. */
export async function failureOfReset(
  deps: Pick<Dependencies, 'git' | 'ledger'>,
  recorder: Pick<Recorder, 'attempt'>,
  { spec, attempt }: PhaseRequest,
): Promise<Failure | null> {
  const traces = await deps.git.tracesOf(spec, spec.id);
  if (traces.kind === 'failed') return { kind: traces.failure, message: traces.message, next: traces.next };
  if (traces.landed !== null) {
    return {
      kind: 'landing-refused',
      message: `the task landed as ${traces.landed} before it was set back, and a task lands once`,
      next: 'submit a new task for what is still to be done',
    };
  }
  const recorded = await recorder.attempt('read-task', () => deps.ledger.readTask(spec.id));
  const takenUpTo = Math.max(traces.lastAttempt, recorded.kind === 'done' ? (recorded.value?.attempt ?? 0) : 0);
  if (takenUpTo < attempt) return null;
  return {
    kind: 'attempt-taken',
    message: `attempt ${attempt} was there before the task was set back; the next one is ${takenUpTo + 1}`,
    next: 'nothing: it goes on by itself',
    takenUpTo,
  };
}
