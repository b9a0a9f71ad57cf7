/** The conflict radar's side of the ledger: the works that it looks at, and what it has seen last. */

import type { BranchName, ProjectName } from '../core/ids.ts';
import type { RadarReport } from '../core/radar.ts';
import type { TaskView } from '../core/task-types.ts';
import type { Database } from './database.ts';
import { parseTask, TASK_COLUMNS } from './task-rows.ts';

/** Those that are landing come last: the queue looks after them. */
const LIST_WORKS = `
select ${TASK_COLUMNS}
from tributary.tasks t
where t.ended_at is null and t.project = $1 and t.view->>'branch' = $2
  and t.view->'checkpoint'->>'changed' = 'true'
order by t.state = 'landing', t.created_at, t.id
limit $3`;

const SAVE_RADAR = `
insert into tributary.radar as r (project, branch, at, report) values ($1, $2, $3, $4)
on conflict (project, branch) do update set at = excluded.at, report = excluded.report
where excluded.at > r.at`;

const READ_RADAR = `
select report from tributary.radar where $1::text is null or project = $1 order by project, branch`;

/** Open tasks of a branch with stored changes. @throws LedgerUnavailable */
export function listWorks(
  database: Database,
  { project, branch }: { readonly project: ProjectName; readonly branch: BranchName },
  limit: number,
): Promise<readonly TaskView[]> {
  return database.query({ name: 'list-works', text: LIST_WORKS, values: [project, branch, limit] }, parseTask);
}

/** The newest one wins. @throws LedgerUnavailable */
export async function saveRadar(database: Database, report: RadarReport): Promise<void> {
  const { project, branch, at } = report;
  const values = [project, branch, at, JSON.stringify(report)];
  await database.query({ name: 'save-radar', text: SAVE_RADAR, values }, () => null);
}

/** Null for every project. @throws LedgerUnavailable */
export function readRadar(database: Database, project: ProjectName | null): Promise<readonly RadarReport[]> {
  // Only this room writes these rows.
  return database.query({ text: READ_RADAR, values: [project] }, (row) => row['report'] as RadarReport);
}
