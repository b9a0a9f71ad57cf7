/** Whose workspace may go when a host's disk runs short: decided from the task's view. */

import { needsPeople, type Checkpoint, type TaskView } from './task-types.ts';

/**
 * Whether the task waits for somebody, with everything in its workspace stored on the origin: `stored` is the checkpoint
 * that the workspace was last stored as. What the last attempt left without storing it stays (N8).
 */
export function mayBeReclaimed(
  { state, waitingFor, checkpoint }: Pick<TaskView, 'state' | 'waitingFor' | 'checkpoint'>,
  stored: Checkpoint | null,
): boolean {
  if (state !== 'waiting' || waitingFor === null) return false;
  if (!needsPeople(waitingFor.kind)) return false;
  return (
    checkpoint !== null && stored !== null && stored.head === checkpoint.head && stored.attempt === checkpoint.attempt
  );
}
