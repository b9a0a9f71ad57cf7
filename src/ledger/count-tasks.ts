/** Counts tasks by the state in which they are shown. */

import type { ProjectName } from '../core/ids.ts';
import type { Database } from './database.ts';
import { SHOWN_STATE } from './task-rows.ts';

const COUNT_BY_STATE = `
select ${SHOWN_STATE} as shown, count(*) as tasks
from tributary.tasks t
where $1::text is null or t.project = $1
group by 1`;

/** States that no task is in are left out. @throws LedgerUnavailable */
export async function countByState(
  database: Database,
  project: ProjectName | null,
): Promise<Readonly<Record<string, number>>> {
  const counts = await database.query({ text: COUNT_BY_STATE, values: [project] }, (row): [string, number] => [
    String(row['shown']),
    Number(row['tasks']),
  ]);
  return Object.fromEntries(counts);
}
