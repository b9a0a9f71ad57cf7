/** The names of all projects that the ledger knows. */

import type { Database } from './database.ts';

// Bound by the first landing; before it there are only tasks. From each name the index leads to the next one: there are few
// projects, and a hundred times as many tasks.
const LIST_PROJECTS = `
with recursive named as (
  (select project from tributary.tasks order by project limit 1)
  union all
  select (select project from tributary.tasks where project > named.project order by project limit 1)
  from named
  where named.project is not null
)
select name from tributary.projects
union
select project from named where project is not null
order by 1`;

/** All of them: whether a name is known is asked of this list. In the order of the alphabet. @throws LedgerUnavailable */
export function listProjects(database: Database): Promise<readonly string[]> {
  return database.query({ text: LIST_PROJECTS, values: [] }, (row) => String(row['name']));
}
