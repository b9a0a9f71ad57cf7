/** Reads what a task has asked people, and what became of it. */

import { DEADLINE, type AskView, type ItemDecision, type ProposedTask, type Settled } from '../core/ask-types.ts';
import type { TaskId } from '../core/ids.ts';
import type { Database, RawRow } from './database.ts';
import { parseTime } from './task-rows.ts';
import type { AskReply, AskRow } from './types.ts';

const READ_ASKS = `
select version, kind, text, body, choices, default_answer, items, coalesce(escalated_to, asked_of) as asked_of, asked_at,
  expires_at, reminders, how, reply, decided_items, actor, replied_at
from tributary.asks where task_id = $1 and asked_at is not null order by version`;

/** Oldest first; a reply whose question has not been recorded yet is left out until it has. @throws LedgerUnavailable */
export function readAsks(database: Database, id: TaskId): Promise<readonly AskRow[]> {
  return database.query({ text: READ_ASKS, values: [id] }, (row) => ({
    ...parseAsk(row),
    body: textOr(row['body'], ''),
    items: (row['items'] ?? []) as readonly ProposedTask[],
    reminders: Number(row['reminders']),
    reply: parseReply(row),
  }));
}

/** An ask without what is long. Only this room writes these columns. */
export function parseAsk(row: RawRow): Omit<AskView, 'body' | 'items'> {
  return {
    version: Number(row['version']),
    kind: row['kind'] as AskView['kind'],
    text: textOr(row['text'], ''),
    choices: (row['choices'] ?? []) as readonly string[],
    default: textOr(row['default_answer'], null),
    for: textOr(row['asked_of'], null),
    since: parseTime(row['asked_at']) ?? '',
    expiresAt: parseTime(row['expires_at']),
  };
}

function parseReply(row: RawRow): AskReply | null {
  if (row['how'] === null) return null;
  return {
    how: row['how'] as Settled['how'],
    text: textOr(row['reply'], null),
    items: (row['decided_items'] ?? []) as readonly ItemDecision[],
    // One that ran out without a default has no answer that would name who gave it.
    actor: textOr(row['actor'], DEADLINE),
    at: parseTime(row['replied_at']) ?? '',
  };
}

function textOr<T>(value: unknown, other: T): string | T {
  return typeof value === 'string' ? value : other;
}
