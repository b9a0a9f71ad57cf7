/** Lists tasks, newest first. */

import type { TaskView } from '../core/task-types.ts';
import type { Database } from './database.ts';
import { parseTask, SHOWN_STATE, TASK_COLUMNS } from './task-rows.ts';
import type { TaskFilter } from './types.ts';

const LIST_TASKS = `
select ${TASK_COLUMNS}
from tributary.tasks t
where ($1::text is null or t.project = $1)
  and (cardinality($2::text[]) = 0 or ${SHOWN_STATE} = any ($2))
  and (cardinality($4::text[]) = 0 or t.type = any ($4))
  and ($5::text is null or t.parent = $5)
order by t.created_at desc, t.id
limit $3`;

/** No states means every state, no types every type. @throws LedgerUnavailable */
export function listTasks(database: Database, filter: TaskFilter): Promise<readonly TaskView[]> {
  const { project, states, limit, types = [], parent = null } = filter;
  return database.query({ text: LIST_TASKS, values: [project, states, limit, types, parent] }, parseTask);
}
