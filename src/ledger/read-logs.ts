/** Reads a task's logs on from a cursor. */

import type { TaskId } from '../core/ids.ts';
import type { Database } from './database.ts';
import { parseTime } from './task-rows.ts';
import type { LogChunk } from './types.ts';

// Cursors become visible in their order (see append-logs), so a reader who goes on from the last one misses nothing.
const READ_LOGS = `
select task_id, attempt, stream, run, position, at, content, l.cursor::text as cursor
from tributary.logs l
where task_id = $1 and l.cursor > coalesce($2::bigint, 0)
order by l.cursor
limit $3`;

/** Oldest first, at most `limit`, after the cursor; null from the beginning. @throws LedgerUnavailable */
export function readLogs(
  database: Database,
  id: TaskId,
  after: string | null,
  limit: number,
): Promise<readonly (LogChunk & { readonly cursor: string })[]> {
  return database.query({ text: READ_LOGS, values: [id, after, limit] }, (row) => ({
    taskId: row['task_id'] as TaskId,
    attempt: Number(row['attempt']),
    stream: String(row['stream']),
    run: Number(row['run']),
    offset: Number(row['position']),
    text: String(row['content']),
    at: parseTime(row['at']) ?? '',
    cursor: String(row['cursor']),
  }));
}
