/** Builds the ledger anew from Temporal's workflows and from git (N9), or says how it differs from them. */

import type { ProjectName, TaskId } from '../../core/ids.ts';
import type { Target } from '../../core/queue-types.ts';
import { isWhole, viewOfLanding, type Difference, type FoundLanding, type TaskFacts } from '../../core/rebuild.ts';
import type { LedgerOperator } from '../../ledger/operator.ts';
import { LedgerEmpty } from '../../ledger/types.ts';
import { mapBounded } from '../bounded.ts';
import { EXIT, Failed } from '../errors.ts';
import { readLandings } from '../rebuild/git-facts.ts';
import { listOrigins, listRuns, readFacts, type RunInfo } from '../rebuild/temporal-facts.ts';
import { renderDifferences } from '../render/differences.ts';
import type { Session } from '../session.ts';
import { CALL_MS, type Temporal } from '../temporal.ts';

export interface RebuildOptions {
  readonly json?: true;
  readonly dryRun?: true;
}

const AT_ONCE = 4;
const NO_TABLES = 'all is missing: the ledger has no tables of Tributary; make and fill them with tasks ledger rebuild';
const NOT_ALL_THERE = 'its record is too long to be told whole, or Temporal no longer keeps its first runs';
const BY_ITS_COMMIT = 'Temporal no longer keeps it; its commit alone tells of it';

interface Found {
  readonly tasks: readonly TaskFacts[];
  /** Of which nothing is known but that they are there. */
  readonly unknown: readonly TaskId[];
  /** Why not all is known of some. */
  readonly why: ReadonlyMap<TaskId, string>;
  readonly targets: readonly Target[];
  /** Why what has landed on some of them is not known. */
  readonly unread: readonly string[];
}

/** `tasks ledger rebuild`: with --dry-run exit 1 when something differs; exit 1 also when something cannot be read. */
export async function rebuildLedger(session: Session, options: RebuildOptions): Promise<number> {
  const dryRun = options.dryRun === true;
  const { openLedgerOperator } = await import('../../ledger/operator.ts');
  const ledger = openLedgerOperator({ url: await session.needLedgerUrl() });
  try {
    if (!dryRun) await migrate(ledger);
    // Whether it has tables at all: where there are no tasks nothing else would be asked of it.
    else await (await session.ledger())?.readWorkers();
    const temporal = await session.temporal();
    await temporal.within(CALL_MS, () => temporal.connection.ensureConnected());
    return await compare(session, ledger, await find(session, temporal), dryRun);
  } catch (error) {
    // A worker would make the tables, and nothing in them.
    throw error instanceof LedgerEmpty ? new Failed(NO_TABLES, { cause: error }) : error;
  } finally {
    await ledger.close();
  }
}

async function migrate(ledger: LedgerOperator): Promise<void> {
  const result = await ledger.migrate();
  if (result.kind === 'refused') throw new Failed(result.message);
}

async function find(session: Session, temporal: Temporal): Promise<Found> {
  const runs = [...(await listRuns(temporal))];
  const asking = { unanswered: 0 };
  const read = await mapBounded(runs, AT_ONCE, async ([id, of]: readonly [TaskId, readonly RunInfo[]]) => ({
    id,
    ...(await readFacts(temporal, id, of, asking)),
  }));
  const views = read.flatMap(({ facts }) => (facts === null ? [] : [facts.view]));
  const all = [...views, ...(await listOrigins(temporal))].map(({ project, branch, origin }) => ({
    project,
    branch,
    origin,
  }));
  const targets = [...new Map(all.map((target) => [JSON.stringify(target), target])).values()];
  const landings = new Map<TaskId, { readonly landing: FoundLanding; readonly target: Target }>();
  const unread: string[] = [];
  for (const target of targets) {
    const found = await readLandings(target, session.environment.all);
    // One that has moved, or whose branch is gone, keeps no other project's records from being made.
    if (found.kind === 'invalid') unread.push(found.message);
    else for (const landing of found.value) landings.set(landing.taskId, { landing, target });
  }
  const tasks: TaskFacts[] = read.flatMap(({ id, facts }) =>
    facts === null ? [] : [{ ...facts, landing: landings.get(id)?.landing ?? null }],
  );
  const known = new Set(read.map(({ id }) => id));
  for (const [id, { landing, target }] of landings) {
    if (known.has(id)) continue;
    const view = viewOfLanding(landing, target);
    tasks.push({ view, events: [], begun: [], landing, endedFromOutside: null });
  }
  const unknown = read.flatMap(({ id, facts }) => (facts === null ? [id] : []));
  const why = new Map(read.map((one) => [one.id, one.why ?? NOT_ALL_THERE]));
  return { tasks, unknown, why, targets, unread };
}

async function compare(
  session: Session,
  ledger: LedgerOperator,
  { tasks, unknown, why, targets, unread }: Found,
  dryRun: boolean,
): Promise<number> {
  let different = 0;
  const partial: TaskId[] = [];
  const tell = (task: TaskId | null, project: ProjectName, differences: readonly Difference[]): void => {
    if (differences.length === 0) return;
    different += 1;
    if (session.json) for (const each of differences) session.printJson({ task, project, ...each });
    else session.print(...renderDifferences(task ?? project, differences));
  };
  for (const target of targets) {
    const { project, origin } = target;
    if (await ledger.rebuildProject(project, origin, dryRun)) continue;
    tell(null, project, [{ table: 'projects', key: project, kind: 'missing', columns: [] }]);
  }
  for (const facts of tasks) {
    const { differences } = await ledger.rebuildTask(facts, dryRun);
    if (!isWhole(facts)) partial.push(facts.view.id);
    tell(facts.view.id, facts.view.project, differences);
  }
  const reasons = reasonsOf([...partial, ...unknown], why);
  const summary = { dryRun, tasks: tasks.length, different, partial: partial.length, unknown, unread, reasons };
  if (session.json) session.printJson({ kind: 'summary', ...summary });
  else tellSummary(session, summary);
  return unknown.length > 0 || unread.length > 0 || (dryRun && different > 0) ? EXIT.failed : EXIT.ok;
}

/** Why not all is known of some tasks: of how many, and of which such as. */
interface Reason {
  readonly why: string;
  readonly tasks: number;
  readonly such: TaskId;
}

function reasonsOf(ids: readonly TaskId[], why: ReadonlyMap<TaskId, string>): readonly Reason[] {
  const reasons = new Map<string, Reason>();
  for (const id of ids) {
    const text = why.get(id) ?? BY_ITS_COMMIT;
    const { tasks, such } = reasons.get(text) ?? { tasks: 0, such: id };
    reasons.set(text, { why: text, tasks: tasks + 1, such });
  }
  return [...reasons.values()];
}

interface Summary extends Pick<Found, 'unknown' | 'unread'> {
  readonly dryRun: boolean;
  readonly tasks: number;
  readonly different: number;
  readonly partial: number;
  readonly reasons: readonly Reason[];
}

function tellSummary(session: Session, { dryRun, tasks, different, partial, unknown, unread, reasons }: Summary): void {
  const what = different === 0 ? 'the ledger is the same' : `${different} ${dryRun ? 'differ' : 'were mended'}`;
  session.note(`${tasks} tasks are known to Temporal and git: ${what}`);
  if (partial > 0) session.note(`of ${partial} not everything is known: what the ledger has of them stays`);
  if (unknown.length > 0) session.note(`of ${unknown.length} nothing is known but that they are there`);
  for (const reason of reasons) session.note(`  ${reason.tasks} (such as ${reason.such}): ${reason.why}`);
  for (const why of unread) session.note(`tasks: ${why}; what landed there is known by its tasks alone`);
}
