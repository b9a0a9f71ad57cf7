/** How a task's row becomes its view, and in which state it is shown. */

import { waitForLabels } from '../core/labels.ts';
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

/** Since when the attempt of a task that requires labels is scheduled and has not begun; null where it has. */
const NOT_BEGUN = `
case when t.state = 'running' and t.view ? 'requires' then (
  select a.scheduled_at from tributary.attempts a
  where a.task_id = t.id and a.attempt = (t.view->>'attempt')::integer and a.began_on is null and a.ended_on is null
) end`;

export const TASK_COLUMNS = `t.view, ${SHOWN_STATE} as shown, ${NOT_BEGUN} as not_begun`;

/** Only this room writes these rows: the view comes back as it was recorded. */
export function parseTask(row: RawRow): TaskView {
  const view = row['view'] as TaskView;
  const { requires = [] } = view;
  const notBegun = parseTime(row['not_begun']);
  const waitingFor = notBegun === null ? view.waitingFor : waitForLabels(requires, notBegun);
  return {
    ...SINCE_FIRST,
    ...view,
    waitingFor: waitingFor === null ? null : { ...NO_ASK, ...waitingFor },
    state: row['shown'] as TaskStateName,
  };
}

/** Fields that the first version's views do not have. */
const SINCE_FIRST = { type: 'task', parent: null, conflict: null } as const;
const NO_ASK = { version: null, proposal: null, for: null, open: 0 } as const;

/** ISO 8601, or null; of a column, or of its JSON. */
export function parseTime(value: unknown): string | null {
  if (typeof value === 'string') return new Date(value).toISOString();
  return value instanceof Date ? value.toISOString() : null;
}
