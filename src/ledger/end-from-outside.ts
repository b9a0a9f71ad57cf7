/** Marks a task as ended whose workflow was ended from outside, and so recorded no end itself. */

import type { TaskId } from '../core/ids.ts';
import type { Database } from './database.ts';

// The sequence stays: a task that is taken up again records over this.
export const END_FROM_OUTSIDE = `
update tributary.tasks set
  state = 'failed', ended_at = $2::timestamptz, waiting_kind = null, waiting_since = null, waits_for_person = false,
  view = view || $3::jsonb
where id = $1 and ended_at is null`;

/** `endedAt` is ISO 8601. @throws LedgerUnavailable */
export async function endFromOutside(database: Database, taskId: TaskId, endedAt: string): Promise<void> {
  const values = [taskId, endedAt, endedFromOutside(endedAt)];
  await database.query({ name: 'end-from-outside', text: END_FROM_OUTSIDE, values }, () => null);
}

/** What is laid over the task's view, as JSON. */
export function endedFromOutside(endedAt: string): string {
  const failure = {
    kind: 'engine-error',
    message: 'its workflow was ended from outside',
    next: 'nothing of it lands; to begin it anew: tasks retry',
  };
  return JSON.stringify({ state: 'failed', waitingFor: null, endedAt, failure });
}
