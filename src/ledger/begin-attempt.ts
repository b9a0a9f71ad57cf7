/** Marks an attempt as begun on a host. It may come before the attempt's own record, and more than once. */

import type { TaskId } from '../core/ids.ts';
import type { Database } from './database.ts';

// An attempt that was moved began last on the host that has it now; a late mark of the earlier host changes nothing.
export const BEGIN_ATTEMPT = `
insert into tributary.attempts as a (task_id, attempt, began_on, began_at)
values ($1, $2, $3, $4::timestamptz)
on conflict (task_id, attempt) do update set began_on = excluded.began_on, began_at = excluded.began_at
where a.began_at is null or excluded.began_at > a.began_at`;

/** `startedAt` is ISO 8601. @throws LedgerUnavailable */
export async function beginAttempt(
  database: Database,
  taskId: TaskId,
  attempt: number,
  host: string,
  startedAt: string,
): Promise<void> {
  await database.query(
    { name: 'begin-attempt', text: BEGIN_ATTEMPT, values: [taskId, attempt, host, startedAt] },
    () => null,
  );
}
