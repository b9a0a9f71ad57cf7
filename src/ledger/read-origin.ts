/** Which origin a project's name belongs to. */

import type { ProjectName } from '../core/ids.ts';
import type { Database } from './database.ts';

const READ_ORIGIN = 'select origin from tributary.projects where name = $1';

/** Null when the name is free. @throws LedgerUnavailable */
export async function readOrigin(database: Database, project: ProjectName): Promise<string | null> {
  const [origin] = await database.query({ name: 'read-origin', text: READ_ORIGIN, values: [project] }, (row) =>
    String(row['origin']),
  );
  return origin ?? null;
}
