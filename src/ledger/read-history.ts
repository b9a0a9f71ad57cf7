/** Reads what happened to a task: its events, its attempts and what they left behind. */

import type { TaskId } from '../core/ids.ts';
import type { Usage } from '../core/task-types.ts';
import type { Happened, TaskEvent } from '../core/task-events.ts';
import type { Database, RawRow } from './database.ts';
import { parseTime } from './task-rows.ts';
import type { Artifact, AttemptRow } from './types.ts';

const READ_EVENTS = `
select sequence, at, event from tributary.events where task_id = $1 order by sequence`;

const READ_ATTEMPTS = `
select attempt, phase, outcome, coalesce(ended_on, began_on) as host, began_at, ended_at, failure,
  input_tokens, output_tokens, cost_usd
from tributary.attempts where task_id = $1 order by attempt`;

const READ_ARTIFACTS = `
select task_id, attempt, name, bytes, content
from tributary.artifacts where task_id = $1 order by attempt, name`;

/** Oldest first. @throws LedgerUnavailable */
export function readEvents(database: Database, id: TaskId): Promise<readonly TaskEvent[]> {
  return database.query({ text: READ_EVENTS, values: [id] }, (row) => ({
    sequence: Number(row['sequence']),
    at: parseTime(row['at']) ?? '',
    happened: row['event'] as Happened,
  }));
}

/** Oldest first. An attempt that began before its record came has an empty phase. @throws LedgerUnavailable */
export function readAttempts(database: Database, id: TaskId): Promise<readonly AttemptRow[]> {
  return database.query({ text: READ_ATTEMPTS, values: [id] }, parseAttempt);
}

/** By attempt and name. @throws LedgerUnavailable */
export function readArtifacts(database: Database, id: TaskId): Promise<readonly Artifact[]> {
  return database.query({ text: READ_ARTIFACTS, values: [id] }, (row) => ({
    taskId: row['task_id'] as TaskId,
    attempt: Number(row['attempt']),
    name: String(row['name']),
    bytes: Number(row['bytes']),
    content: String(row['content']),
  }));
}

function parseAttempt(row: RawRow): AttemptRow {
  return {
    attempt: Number(row['attempt']),
    phase: textOr(row['phase'], ''),
    outcome: textOr(row['outcome'], null),
    host: textOr(row['host'], null),
    startedAt: parseTime(row['began_at']),
    endedAt: parseTime(row['ended_at']),
    usage: parseUsage(row),
    failure: row['failure'] ?? null,
  };
}

function parseUsage(row: RawRow): Usage | null {
  if (row['input_tokens'] === null) return null;
  return {
    inputTokens: Number(row['input_tokens']),
    outputTokens: Number(row['output_tokens']),
    costUsd: Number(row['cost_usd']),
  };
}

function textOr<T>(value: unknown, other: T): string | T {
  return typeof value === 'string' ? value : other;
}
