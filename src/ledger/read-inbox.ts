/** Reads what waits for a person, oldest first. */

import type { ProjectName } from '../core/ids.ts';
import type { Database, RawRow } from './database.ts';
import { parseAsk } from './read-asks.ts';
import { parseTask, TASK_COLUMNS } from './task-rows.ts';
import type { InboxRow } from './types.ts';

/** More of a question is in the task itself. */
const MAX_ASK_CHARS = 4_000;

// A task's open asks follow one another, from the one that its view names on.
const READ_INBOX = `
select ${TASK_COLUMNS}, asks.list as asks
from tributary.tasks t,
  lateral (
    select coalesce(jsonb_agg(jsonb_build_object('version', a.version, 'kind', a.kind,
      'text', left(a.text, ${MAX_ASK_CHARS}), 'choices', a.choices, 'default_answer', a.default_answer,
      'asked_of', coalesce(a.escalated_to, a.asked_of), 'asked_at', a.asked_at, 'expires_at', a.expires_at)
      order by a.version), '[]') as list
    from tributary.asks a
    where t.waiting_kind in ('question', 'proposal') and a.task_id = t.id and a.how is null and a.asked_at is not null
      and a.version >= coalesce((t.view->'waitingFor'->>'version')::integer, 0)
  ) as asks
where t.waits_for_person and ($1::text is null or t.project = $1)
order by t.waiting_since, t.id
limit $2`;

/** Null for every project. @throws LedgerUnavailable */
export function readInbox(
  database: Database,
  project: ProjectName | null,
  limit: number,
): Promise<readonly InboxRow[]> {
  return database.query({ text: READ_INBOX, values: [project, limit] }, (row) => ({
    ...parseTask(row),
    asks: (row['asks'] as readonly RawRow[]).map(parseAsk),
  }));
}
