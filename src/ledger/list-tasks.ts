/** Lists tasks, newest first. */

import { isEnd, type TaskStateName, type TaskView } from '../core/task-types.ts';
import type { Database } from './database.ts';
import { parseTask, SHOWN_STATE, TASK_COLUMNS } from './task-rows.ts';
import type { TaskFilter } from './types.ts';

const LIST_TASKS = `
select ${TASK_COLUMNS}
from tributary.tasks t
where ($1::text is null or t.project = $1)
  and (cardinality($2::text[]) = 0 or ${SHOWN_STATE} = any ($2))
  and (cardinality($6::text[]) = 0 or (t.ended_at is null and t.state = any ($6)))
  and (cardinality($4::text[]) = 0 or t.type = any ($4))
  and ($5::text is null or t.parent = $5)
order by t.created_at desc, t.id
limit $3`;

/** No states means every state, no types every type. @throws LedgerUnavailable */
export function listTasks(database: Database, filter: TaskFilter): Promise<readonly TaskView[]> {
  const { project, states, limit, types = [], parent = null } = filter;
  const values = [project, states, limit, types, parent, openAsRecorded(states)];
  return database.query({ text: LIST_TASKS, values }, parseTask);
}

/**
 * What tasks in these states are recorded as where all are of open tasks: an index leads to those, however many have ended. None
 * where some are ends.
 */
function openAsRecorded(states: readonly TaskStateName[]): readonly TaskStateName[] {
  if (states.some(isEnd)) return [];
  return states.includes('queued') ? [...states, 'running'] : states;
}
