/**
 * Builds one task's records anew from what the workflows and git say: its row, events, attempts, questions and landing.
 *
 * Kept true: in one transaction, so that the records are the old ones or the new ones; and nothing that the ledger has and
 * the others no longer know is taken away (N8): a task is replaced only when all of its events are known, and the ledger
 * has not gone further meanwhile.
 */

import {
  differencesOf,
  isWhole,
  type BegunAttempt,
  type Difference,
  type FoundLanding,
  type Row,
  type TaskFacts,
} from '../core/rebuild.ts';
import { BEGIN_ATTEMPT } from './begin-attempt.ts';
import type { Database, Run } from './database.ts';
import { END_FROM_OUTSIDE, endedFromOutside } from './end-from-outside.ts';
import { recordStatement } from './record-task.ts';

const ANSWER_MS = 30_000;

/** Each table with what tells its rows apart. */
const TABLES = [
  ['tasks', 'id', "''"],
  ['events', 'task_id', 'sequence'],
  ['attempts', 'task_id', 'attempt'],
  ['asks', 'task_id', 'version'],
  ['landings', 'task_id', "''"],
] as const;

const READ_ROWS = TABLES.map(
  ([table, id, key]) =>
    `select '${table}' as "table", ${key}::text as key, to_jsonb(r) as columns from tributary.${table} r where ${id} = $1`,
).join(' union all ');

const ADD_LANDING = `
insert into tributary.landings (task_id, attempt, commit, tree, main, gate_hash, landed_at)
values ($1, $2, $3, $4, $5, $6, $7::timestamptz) on conflict (task_id) do nothing`;

export interface Rebuilt {
  readonly differences: readonly Difference[];
  /** False when the ledger was left as it is, but for what it lacked. */
  readonly replaced: boolean;
}

/** @param dryRun nothing is kept of what it does. @throws LedgerUnavailable */
export async function rebuildTask(database: Database, facts: TaskFacts, dryRun: boolean): Promise<Rebuilt> {
  const { id } = facts.view;
  return database.transaction(ANSWER_MS, async (run) => {
    const [row] = await run('select sequence from tributary.tasks where id = $1 for update', [id]);
    const before = await readRows(run, id);
    const replaced = isWhole(facts) && Number(row?.['sequence'] ?? 0) <= facts.view.sequence;
    await run('savepoint before_rebuild');
    if (replaced) {
      for (const [table, column] of TABLES) await run(`delete from tributary.${table} where ${column} = $1`, [id]);
    }
    await write(run, { ...facts, begun: [...begunIn(before, facts), ...facts.begun] });
    const differences = differencesOf(before, await readRows(run, id));
    // What does not differ stays, to the millisecond.
    if (dryRun || differences.length === 0) await run('rollback to savepoint before_rebuild');
    return { differences, replaced };
  });
}

/** When and where attempts began, as far as only the ledger knows it: still, or already. */
function begunIn(rows: readonly Row[], { begun }: TaskFacts): readonly BegunAttempt[] {
  return rows.flatMap(({ table, key, columns: { began_on: host, began_at: at } }) => {
    const attempt = Number(key);
    const isKnown = begun.some((one) => one.attempt === attempt);
    if (table !== 'attempts' || isKnown) return [];
    return typeof host === 'string' && typeof at === 'string' ? [{ attempt, host, at }] : [];
  });
}

async function write(run: Run, { view, events, begun, landing, endedFromOutside: endedAt }: TaskFacts): Promise<void> {
  const { text, values } = recordStatement(view, events);
  await run(text, values);
  for (const { attempt, host, at } of begun) await run(BEGIN_ATTEMPT, [view.id, attempt, host, at]);
  if (landing !== null) await run(ADD_LANDING, landingValues(landing));
  if (endedAt !== null) await run(END_FROM_OUTSIDE, [view.id, endedAt, endedFromOutside(endedAt)]);
}

function landingValues({ taskId, attempt, commit, tree, main, gateHash, at }: FoundLanding) {
  return [taskId, attempt, commit, tree, main, gateHash, at];
}

async function readRows(run: Run, id: string): Promise<readonly Row[]> {
  const rows = await run(READ_ROWS, [id]);
  return rows.map(({ table, key, columns }) => ({
    table: String(table),
    key: String(key),
    // Only this room writes these rows.
    columns: columns as Row['columns'],
  }));
}
