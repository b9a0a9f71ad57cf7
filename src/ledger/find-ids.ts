/** Finds the ids that begin with what a person typed. */

import type { TaskId } from '../core/ids.ts';
import type { Database } from './database.ts';

// A brace sorts after every letter that an id can have, so the range is the prefix's, and the index serves it.
const FIND_IDS = `
select id from tributary.tasks where id >= $1 and id < $1 || '{' order by id limit 2`;

/** At most two: enough to tell an ambiguous prefix. @throws LedgerUnavailable */
export function findIds(database: Database, prefix: string): Promise<readonly TaskId[]> {
  return database.query({ text: FIND_IDS, values: [prefix] }, (row) => row['id'] as TaskId);
}
