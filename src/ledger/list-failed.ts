/** Lists tasks that failed: those that wait after their last attempt or revision, and those that ended so. */

import type { ProjectName } from '../core/ids.ts';
import type { TaskView } from '../core/task-types.ts';
import type { Database } from './database.ts';
import { parseTask, TASK_COLUMNS } from './task-rows.ts';

const LIST_FAILED = `
select ${TASK_COLUMNS}
from tributary.tasks t
where ($1::text is null or t.project = $1)
  and (t.state = 'failed' or (t.waits_for_person and t.waiting_kind in ('attempts', 'revisions')))
order by coalesce(t.ended_at, t.waiting_since) desc, t.id
limit $2`;

/** The latest first; null for every project. @throws LedgerUnavailable */
export function listFailed(
  database: Database,
  project: ProjectName | null,
  limit: number,
): Promise<readonly TaskView[]> {
  return database.query({ text: LIST_FAILED, values: [project, limit] }, parseTask);
}
