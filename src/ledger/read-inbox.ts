/** Reads what waits for a person, oldest first. */

import type { ProjectName } from '../core/ids.ts';
import type { TaskView } from '../core/task-types.ts';
import type { Database } from './database.ts';
import { parseTask, TASK_COLUMNS } from './task-rows.ts';

const READ_INBOX = `
select ${TASK_COLUMNS}
from tributary.tasks t
where t.waits_for_person and ($1::text is null or t.project = $1)
order by t.waiting_since, t.id`;

/** Null for every project. @throws LedgerUnavailable */
export function readInbox(database: Database, project: ProjectName | null): Promise<readonly TaskView[]> {
  return database.query({ text: READ_INBOX, values: [project] }, parseTask);
}
