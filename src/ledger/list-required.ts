/** Which labels the phases require that are scheduled and have not begun. */

import type { Database } from './database.ts';

/** Tasks that wait for a worker with all of these labels. */
export interface RequiredRow {
  readonly requires: readonly string[];
  readonly tasks: number;
}

const MANY = 1_000;

const LIST_REQUIRED = `
select t.view->'requires' as requires, count(*)::integer as tasks
from tributary.tasks t
where t.ended_at is null and t.state = 'running' and t.view ? 'requires' and exists (
  select from tributary.attempts a
  where a.task_id = t.id and a.attempt = (t.view->>'attempt')::integer and a.began_on is null and a.ended_on is null
)
group by 1
order by 2 desc, 1
limit $1`;

/** The set with the most tasks first, at most a thousand. @throws LedgerUnavailable */
export function listRequired(database: Database): Promise<readonly RequiredRow[]> {
  return database.query({ text: LIST_REQUIRED, values: [MANY] }, (row) => ({
    // Only this room writes these rows.
    requires: row['requires'] as readonly string[],
    tasks: Number(row['tasks']),
  }));
}
