/** Reads tasks by their ids. */

import type { TaskId } from '../core/ids.ts';
import type { TaskView } from '../core/task-types.ts';
import type { Database } from './database.ts';
import { parseTask, TASK_COLUMNS } from './task-rows.ts';

const READ_TASKS = `
select ${TASK_COLUMNS}
from unnest($1::text[]) with ordinality as wanted (id, place)
join tributary.tasks t on t.id = wanted.id
order by wanted.place`;

/** In the order of the ids, without those that the ledger does not know. @throws LedgerUnavailable */
export function readTasks(database: Database, ids: readonly TaskId[]): Promise<readonly TaskView[]> {
  return ids.length === 0 ? Promise.resolve([]) : database.query({ text: READ_TASKS, values: [ids] }, parseTask);
}

/** @throws LedgerUnavailable */
export async function readTask(database: Database, id: TaskId): Promise<TaskView | null> {
  const [task] = await readTasks(database, [id]);
  return task ?? null;
}
