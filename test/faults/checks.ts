/** What must be true of tasks, main, files and the ledger when the faults are over. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import type { TaskId } from '../../src/core/ids.ts';
import { workflowIds } from '../../src/core/ids.ts';
import type { EndKind, TaskView } from '../../src/core/task-types.ts';
import { differencesOf, type Difference, type Row } from '../../src/core/rebuild.ts';
import type { AttemptRow, LedgerReader } from '../../src/ledger/types.ts';
import { openDatabase, type Database } from '../../src/ledger/database.ts';
import { eventually } from '../support/eventually.ts';
import { jsonLines, tasks, type Ran } from './commands.ts';
import { placeOf, type FaultProject } from './project.ts';

const END_LIMIT_MS = 3 * 60_000;
const RECORD_LIMIT_MS = 90_000;
/** Of rows that differ; there may be as many as rows. */
const MAX_TOLD = 20;
const REBUILD_LIMIT_MS = 5 * 60_000;

/** What is built anew: all but logs, artifacts, verdicts, flakes, what the radar saw, and hosts. */
const TABLES = {
  tasks: 'id',
  events: 'task_id, sequence',
  attempts: 'task_id, attempt',
  asks: 'task_id, version',
  landings: 'task_id',
  projects: 'name',
};

/** How a task has ended, once it has; waits through servers that are away. */
export async function endOf(client: Client, id: TaskId, limitMs = END_LIMIT_MS): Promise<EndKind> {
  const handle = client.workflow.getHandle<() => Promise<TaskView>>(workflowIds.task(id));
  return eventually(
    `task ${id} to end`,
    async (): Promise<EndKind | null> => {
      const { status } = await handle.describe();
      if (status.name === 'RUNNING' || status.name === 'CONTINUED_AS_NEW') return null;
      if (status.name === 'CANCELLED') return 'canceled';
      if (status.name !== 'COMPLETED') return 'failed';
      const { state } = await handle.result();
      return state === 'landed' || state === 'unchanged' || state === 'rejected' ? state : 'failed';
    },
    limitMs,
  );
}

/** Landed tasks once each and no other, and every commit's content seen by a green gate. */
export async function checkMain(project: FaultProject, landed: ReadonlySet<string>): Promise<readonly string[]> {
  const landings = await project.landings();
  const times = new Map<string, number>();
  for (const { task } of landings) times.set(task, (times.get(task) ?? 0) + 1);
  const wrong: string[] = [];
  for (const id of landed) if (!times.has(id)) wrong.push(`${project.name}: task ${id} is not on main`);
  for (const [id, count] of times) {
    if (!landed.has(id)) wrong.push(`${project.name}: main has a commit of ${id || 'nobody'}, which has not landed`);
    if (count > 1) wrong.push(`${project.name}: task ${id} landed ${count} times`);
  }
  for (const commit of await project.untested()) wrong.push(`${project.name}: no gate was green on ${commit}`);
  return wrong;
}

/** Lock files of the engine's and of origins' repositories. */
export function locksIn(folders: readonly string[]): readonly string[] {
  return folders.flatMap((folder) =>
    filesBelow(folder).filter((path) => path.endsWith('.lock') && !path.endsWith('/up.lock')),
  );
}

/** The places of a home where the engine has repositories. */
export function repositoriesOf(home: string): readonly string[] {
  return [join(home, 'mirrors'), join(home, 'landing')];
}

function filesBelow(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) =>
      join(entry.parentPath, entry.name),
    );
  } catch {
    return [];
  }
}

/** The ledger against what Temporal and git say. A worker has to be there. */
export async function checkLedgerAsItIs(
  ledger: LedgerReader,
  project: FaultProject,
  env: Readonly<Record<string, string>>,
  /** Columns that may differ, beside what a kill leaves. */
  excused: readonly string[] = [],
): Promise<readonly string[]> {
  let wrong: readonly string[] = [];
  try {
    // What was recorded last may still be on its way.
    await eventually(
      'the ledger to be as Temporal and git are',
      async () => {
        const { code, stdout, stderr } = await rebuild(project, env, '--dry-run', '--json');
        if (code === 0) return true;
        wrong = [stderr];
        wrong = await notExcused(ledger, jsonLines(stdout), new Set(excused));
        return wrong.length === 0;
      },
      RECORD_LIMIT_MS,
    );
    return [];
  } catch {
    return wrong.map((text) => `the ledger differs from Temporal and git: ${text}`);
  }
}

/**
 * What a kill may leave, and `tasks ledger rebuild` mends: a worker that is killed as it begins an attempt may not have told
 * the ledger of it, and that attempt was lost, or canceled while no worker was there.
 */
async function notExcused(
  ledger: LedgerReader,
  lines: readonly unknown[],
  excused: ReadonlySet<string>,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const line of lines as readonly DifferenceLine[]) {
    if (line.kind === 'summary') continue;
    const has = (names: ReadonlySet<string>): boolean =>
      line.kind === 'different' && line.columns.every((name) => names.has(name));
    if (has(excused)) continue;
    const isBegin = line.table === 'attempts' && has(BEGIN);
    const attempts = isBegin && line.task !== null ? await ledger.readAttempts(line.task) : [];
    const attempt = attempts.find(({ attempt: number }) => String(number) === line.key);
    const isLost = attempt !== undefined && attempt.startedAt === null && hasNoWord(attempt);
    if (!isLost) wrong.push(JSON.stringify(line));
  }
  return wrong;
}

/** Its end is not its worker's word. */
function hasNoWord({ failure }: AttemptRow): boolean {
  const kind = typeof failure === 'object' && failure !== null && 'kind' in failure ? failure.kind : null;
  return kind === 'worker-lost' || kind === 'canceled';
}

const BEGIN: ReadonlySet<string> = new Set(['began_at', 'began_on', 'scheduled_at']);

type DifferenceLine = Omit<Difference, 'kind'> & {
  readonly task: TaskId | null;
  readonly kind: Difference['kind'] | 'summary';
};

/**
 * The same of a ledger that commands alone reach: nothing is missing, nothing is there beside, and what is different is when and where
 * an attempt began.
 */
export async function checkLedgerByCommand(command: (...args: string[]) => Promise<Ran>): Promise<readonly string[]> {
  let wrong: readonly string[] = [];
  const isRight = async (): Promise<boolean> => {
    const { stdout, stderr } = await command('ledger', 'rebuild', '--dry-run', '--json');
    const lines = jsonLines(stdout) as readonly DifferenceLine[];
    wrong = lines
      .filter((line) => line.kind !== 'summary')
      .filter((line) => line.kind !== 'different' || line.columns.some((name) => !BEGIN.has(name)))
      .map((line) => `the ledger differs from Temporal and git: ${JSON.stringify(line).slice(0, 400)}`);
    if (!lines.some(({ kind }) => kind === 'summary')) wrong = [`the ledger was not compared: ${stderr}`];
    return wrong.length === 0;
  };
  await eventually('the ledger to be as Temporal and git are', isRight, RECORD_LIMIT_MS).catch(() => undefined);
  return wrong;
}

/** The ledger as it is, and then built of nothing. */
export async function checkLedger(
  { ledger, databaseUrl }: { readonly ledger: LedgerReader; readonly databaseUrl: string },
  project: FaultProject,
  env: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const different = await checkLedgerAsItIs(ledger, project, env);
  if (different.length > 0) return different;
  await rebuild(project, env);
  const database = openDatabase({ url: databaseUrl, applicationName: 'faults', maxConnections: 1 });
  try {
    const before = await rowsOf(database);
    await database.query({ text: 'drop schema tributary cascade' }, () => null);
    const { code, stderr } = await rebuild(project, env);
    if (code !== 0) return [`tasks ledger rebuild of nothing ended with ${code}: ${stderr}`];
    const after = await rowsOf(database);
    return differencesOf(before, after)
      .slice(0, MAX_TOLD)
      .map(({ table, key, kind, columns }) => `${table}: ${SAID[kind]}: ${key} ${columns.join(', ')}`);
  } finally {
    await database.close();
  }
}

function rebuild(project: FaultProject, env: Readonly<Record<string, string>>, ...more: string[]): Promise<Ran> {
  return tasks(placeOf(project, env), ['ledger', 'rebuild', ...more], REBUILD_LIMIT_MS);
}

/** Without what Temporal knows to some milliseconds only, and what nothing but the ledger says. */
async function rowsOf(database: Database): Promise<readonly Row[]> {
  const kept: Row[] = [];
  for (const [table, order] of Object.entries(TABLES)) {
    const found = await database.query({ text: `select * from tributary.${table} order by ${order}` }, (row) => row);
    for (const { began_at: _began, bound_at: _bound, ...row } of found) {
      // As the rebuild has them: times are texts, and one that was told earlier is no other.
      const columns: Row['columns'] = JSON.parse(JSON.stringify(row));
      kept.push({
        table,
        key: order
          .split(', ')
          .map((name) => String(row[name]))
          .join(' '),
        columns,
      });
    }
  }
  return kept;
}

const SAID = { missing: 'built beside what was', extra: 'not built anew', different: 'built otherwise' } as const;
