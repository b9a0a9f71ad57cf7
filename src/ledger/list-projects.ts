/** The names of all projects that the ledger knows. */

import type { Database } from './database.ts';

// Bound by the first landing; before it there are only tasks.
const LIST_PROJECTS = `
select name from tributary.projects
union
select distinct project from tributary.tasks
order by 1`;

/** All of them: whether a name is known is asked of this list. In the order of the alphabet. @throws LedgerUnavailable */
export function listProjects(database: Database): Promise<readonly string[]> {
  return database.query({ text: LIST_PROJECTS, values: [] }, (row) => String(row['name']));
}
