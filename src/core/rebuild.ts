/** The ledger built anew: what the workflows and git say, and how that differs from what the ledger has. */

import type { ObjectId, TaskId } from './ids.ts';
import type { Target } from './queue-types.ts';
import type { TaskEvent } from './task-events.ts';
import type { TaskView } from './task-types.ts';
import { emptyView } from './task-view.ts';

/** An attempt as its host began it. */
export interface BegunAttempt {
  readonly attempt: number;
  readonly host: string;
  /** ISO 8601; Temporal's own time, some milliseconds beside the host's. */
  readonly at: string;
}

/** A landing as its commit says it. */
export interface FoundLanding {
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly commit: ObjectId;
  readonly tree: ObjectId;
  readonly main: ObjectId;
  readonly gateHash: string;
  readonly title: string;
  /** Who made it, and when: ISO 8601. */
  readonly author: string;
  readonly at: string;
}

/** All that is known of one task without the ledger. */
export interface TaskFacts {
  readonly view: TaskView;
  /** By their sequences, each once. */
  readonly events: readonly TaskEvent[];
  readonly begun: readonly BegunAttempt[];
  readonly landing: FoundLanding | null;
  /** When its workflow was ended from outside, ISO 8601; null when it was not. */
  readonly endedFromOutside: string | null;
}

export interface Row {
  readonly table: string;
  /** Tells it apart from others of its task in the table. */
  readonly key: string;
  readonly columns: Readonly<Record<string, unknown>>;
}

/** `missing`: the ledger has it not. `extra`: the ledger has it, and nothing else knows of it. */
export interface Difference {
  readonly table: string;
  readonly key: string;
  readonly kind: 'missing' | 'extra' | 'different';
  /** Of a row that is different: the names of what is. */
  readonly columns: readonly string[];
}

/** Whether every event of the task is there: only then may what the ledger has of it be replaced. */
export function isWhole({ view, events }: Pick<TaskFacts, 'view' | 'events'>): boolean {
  return events.length === view.sequence && events.every(({ sequence }, index) => sequence === index + 1);
}

/**
 * The events of a task's runs, the earliest run first, as one list. Of the same sequence the earlier one counts, unless the
 * later one says something else, as in the ledger.
 */
export function joinEvents(runs: readonly (readonly TaskEvent[])[]): readonly TaskEvent[] {
  const bySequence = new Map<number, TaskEvent>();
  for (const event of runs.flat()) {
    const known = bySequence.get(event.sequence);
    if (known === undefined || !isAsTold(known.happened, event.happened)) bySequence.set(event.sequence, event);
  }
  return [...bySequence.values()].toSorted((one, other) => one.sequence - other.sequence);
}

/** What only the host itself knows to the millisecond; Temporal's time of it may be this far away. */
const SAME_TIME_MS = 60_000;
const HOST_TIMES: ReadonlySet<string> = new Set(['began_at']);

export function differencesOf(before: readonly Row[], after: readonly Row[]): readonly Difference[] {
  const known = new Map(before.map((row) => [nameOf(row), row]));
  const wanted = new Set(after.map(nameOf));
  const differences: Difference[] = [];
  for (const row of after) {
    const old = known.get(nameOf(row));
    if (old === undefined) {
      differences.push({ table: row.table, key: row.key, kind: 'missing', columns: [] });
      continue;
    }
    const names = new Set([...Object.keys(old.columns), ...Object.keys(row.columns)]);
    const columns = [...names].filter((name) => !isSame(name, old.columns[name], row.columns[name]));
    if (columns.length > 0) differences.push({ table: row.table, key: row.key, kind: 'different', columns });
  }
  for (const row of before) {
    if (!wanted.has(nameOf(row))) differences.push({ table: row.table, key: row.key, kind: 'extra', columns: [] });
  }
  return differences;
}

function nameOf({ table, key }: Row): string {
  return `${table} ${key}`;
}

function isSame(name: string, before: unknown, after: unknown): boolean {
  if (HOST_TIMES.has(name) && isTime(before) && isTime(after)) {
    return Math.abs(Date.parse(before) - Date.parse(after)) <= SAME_TIME_MS;
  }
  return isAsTold(before, after);
}

/**
 * The same but for times that the ledger was told earlier: what a workflow's task has told that was lost then, with its worker say,
 * the next one tells again, at its own time, and the ledger keeps what it heard first.
 */
function isAsTold(before: unknown, after: unknown): boolean {
  if (isTime(before) && isTime(after)) return Date.parse(before) <= Date.parse(after);
  if (!isObject(before) || !isObject(after)) return before === after;
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return (
    Array.isArray(before) === Array.isArray(after) && [...names].every((name) => isAsTold(before[name], after[name]))
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** As workflows write them, and the database. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/;

function isTime(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value);
}

/** The least that is known of a task that has landed so long ago that only its commit tells of it. */
export function viewOfLanding(landing: FoundLanding, target: Target): TaskView {
  const { taskId, attempt, commit, title, author, at } = landing;
  // Any record of the task itself counts more: its sequence is the first.
  return {
    ...emptyView(taskId),
    ...target,
    title,
    state: 'landed',
    attempt,
    commit,
    createdAt: at,
    endedAt: at,
    owner: author,
  };
}
