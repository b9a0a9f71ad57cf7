/** Counts tasks by the state in which they are shown. */

import type { ProjectName } from '../core/ids.ts';
import type { Database } from './database.ts';
import { SHOWN_STATE } from './task-rows.ts';

// Nearly all have ended: only of the few that are recorded as running it has to be found out how they are shown.
const COUNT_BY_STATE = `
select t.state as shown, count(*) as tasks
from tributary.tasks t
where t.state <> 'running' and ($1::text is null or t.project = $1)
group by 1
union all
select ${SHOWN_STATE} as shown, count(*) as tasks
from tributary.tasks t
where t.ended_at is null and t.state = 'running' and ($1::text is null or t.project = $1)
group by 1`;

/** States that no task is in are left out. @throws LedgerUnavailable */
export async function countByState(
  database: Database,
  project: ProjectName | null,
): Promise<Readonly<Record<string, number>>> {
  const rows = await database.query({ text: COUNT_BY_STATE, values: [project] }, (row): [string, number] => [
    String(row['shown']),
    Number(row['tasks']),
  ]);
  const counts: Record<string, number> = {};
  for (const [state, tasks] of rows) counts[state] = (counts[state] ?? 0) + tasks;
  return counts;
}
