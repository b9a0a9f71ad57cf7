/** Appends chunks of logs; a chunk that is there already is left as it is. */

import type { Database } from './database.ts';
import type { LogChunk } from './types.ts';

// The cursor is given out under a lock of the task's own that lasts until the commit: a reader who has seen a cursor
// will find no lower one later.
const APPEND_LOGS = `
with locked as materialized (
  select count(pg_advisory_xact_lock(hashtextextended(id, 7))) as tasks
  from (select distinct id from unnest($1::text[]) as t (id) order by id) as tasks
)
insert into tributary.logs (task_id, attempt, stream, run, position, at, content)
select task_id, attempt, stream, run, position, at, content
from unnest($1::text[], $2::integer[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[], $7::text[])
  with ordinality as c (task_id, attempt, stream, run, position, at, content, place)
where (select tasks from locked) > 0
order by place
on conflict do nothing`;

/** @throws LedgerUnavailable, and then none of them was appended */
export async function appendLogs(database: Database, chunks: readonly LogChunk[]): Promise<void> {
  if (chunks.length === 0) return;
  await database.query(
    {
      name: 'append-logs',
      text: APPEND_LOGS,
      values: [
        chunks.map(({ taskId }) => taskId),
        chunks.map(({ attempt }) => attempt),
        chunks.map(({ stream }) => stream),
        chunks.map(({ run }) => run ?? 0),
        chunks.map(({ offset }) => offset),
        chunks.map(({ at }) => at),
        chunks.map(({ text }) => text),
      ],
    },
    () => null,
  );
}
