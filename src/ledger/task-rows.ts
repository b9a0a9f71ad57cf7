/** How a task's row becomes its view, and in which state it is shown. */

import type { TaskStateName, TaskView } from '../core/task-types.ts';
import type { RawRow } from './database.ts';

/**
 * The state as it is shown: a task whose attempt is only scheduled is recorded as running, but it is queued for as long
 * as no attempt of it has begun anywhere. `t` is the task's row.
 */
export const SHOWN_STATE = `
case when t.state = 'running' and not exists (
  select from tributary.attempts a
  where a.task_id = t.id and (a.began_on is not null or a.ended_on is not null)
) then 'queued' else t.state end`;

export const TASK_COLUMNS = `t.view, ${SHOWN_STATE} as shown`;

/** Only this room writes these rows: the view comes back as it was recorded. */
export function parseTask(row: RawRow): TaskView {
  return { ...(row['view'] as TaskView), state: row['shown'] as TaskStateName };
}

/** ISO 8601, or null. */
export function parseTime(value: unknown): string | null {
  return value instanceof Date ? value.toISOString() : null;
}
