/** Waits until tasks have ended. */

import { needsPeople, type TaskView, type WaitingKind } from '../../core/task-types.ts';
import { taskIdOfWorkflow, type ProjectName, type TaskId } from '../../core/ids.ts';
import { EXIT, TimedOut, UsageError } from '../errors.ts';
import { requireProject } from '../known-projects.ts';
import { showProgress } from '../progress.ts';
import { exactDuration } from '../render/time.ts';
import { outcomeLine, waitsLine } from '../render/tasks.ts';
import { resolveIds } from '../resolve-id.ts';
import type { Session } from '../session.ts';
import { CALL_MS } from '../temporal.ts';
import { noteNobody, tellHosts } from '../waiting-hosts.ts';
import { readProject } from './list.ts';
import { needsHelp, TaskWatch } from '../watch.ts';
import { tryLedger } from '../try-ledger.ts';

export interface WaitOptions {
  readonly json?: true;
  readonly all?: true;
  readonly project?: string;
  readonly waitForPeople: boolean;
  readonly timeout?: number;
}

const A_READ = 1_000;

/** `tasks wait`. */
export async function wait(session: Session, options: WaitOptions, args: readonly string[]): Promise<number> {
  if (options.all === true && args.length > 0) throw new UsageError('--all: takes no ids beside it; leave one out');
  if (options.all !== true && args.length === 0) throw new UsageError('id: is missing; give ids, or --all');
  if (options.all !== true && options.project !== undefined)
    throw new UsageError('--project: says which of all; give --all beside it, or leave it out');
  const project = readProject(options.project);
  const ids = options.all === true ? await openTasks(session, project) : await resolveIds(session, args);
  if (ids.length === 0) await requireProject(session, project);
  if (ids.length === 0) session.note('no task is open, so there is nothing to wait for');
  else await noteNobody(session);
  return awaitTasks(session, ids, {
    waitForPeople: options.waitForPeople,
    ...(project === null ? {} : { all: `--all --project ${project}` }),
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
  });
}

/** Every task that has not ended, or those of a project: by Temporal, which has those too that no worker has seen. */
async function openTasks(session: Session, project: ProjectName | null): Promise<readonly TaskId[]> {
  const temporal = await session.temporal();
  return temporal.within(4 * CALL_MS, async () => {
    const ids: TaskId[] = [];
    const ofProject = project === null ? '' : ` AND Project = '${project}'`;
    const query = `WorkflowType = 'task' AND ExecutionStatus = 'Running'${ofProject}`;
    for await (const execution of temporal.client.workflow.list({ query, pageSize: 1_000 })) {
      const id = taskIdOfWorkflow(execution.workflowId);
      if (id !== null) ids.push(id);
    }
    return [...new Set(ids)];
  });
}

export interface AwaitOptions {
  readonly waitForPeople: boolean;
  readonly timeoutMs?: number;
  /** How many are named to `tasks wait`. */
  readonly all?: string;
}

/** Waits, says who waits for a person, and prints how each ended. The exit code. */
export async function awaitTasks(session: Session, ids: readonly TaskId[], options: AwaitOptions): Promise<number> {
  const temporal = await session.temporal();
  const views = new Map<TaskId, TaskView>();
  const progress = session.redraws(session.io.stderr) && ids.length > 0 ? showProgress(session) : null;
  const tell = (line: string): void => {
    // The spinner's line gives way, and is drawn again at its next turn.
    session.note(progress === null ? line : `\r\u001b[2K${line}`);
  };
  const count = (): void => progress?.update(`${views.size} of ${ids.length} ended`);
  const watch = new TaskWatch({
    temporal,
    ids,
    readViews: (open) => readViews(session, open),
    interrupt: session.io.interrupt,
    timeoutMs: options.timeoutMs ?? null,
    stopAtPeople: !options.waitForPeople,
    onEnded: (view) => {
      views.set(view.id, view);
      if (session.json) session.printJson(view);
      else session.print(outcomeLine(view, session.palette));
      count();
    },
    onWaits: async (view) => {
      const [told = view] = await tellHosts(session, [view]);
      tell(waitsLine(told));
    },
  });
  count();
  try {
    const end = await watch.run();
    progress?.stop();
    const open = ids.filter((id) => !views.has(id));
    if (session.json) await printOpen(session, open, watch);
    if (end.kind === 'timeout') {
      const known = await tellHosts(session, await readOpen(session, open, watch));
      throw new TimedOut(timeoutText(open, known, ids.length, options));
    }
    if (end.kind === 'interrupted' && open.length > 0) session.note(interruptedText(open, options.all));
    return codeOf(end, [...views.values()]);
  } finally {
    progress?.stop();
  }
}

/** As the ledger has them; null when it cannot be reached. */
function readViews(session: Session, ids: readonly TaskId[]): Promise<readonly TaskView[] | null> {
  return tryLedger(session, async (ledger) => {
    const views: TaskView[] = [];
    // All at once would take longer than the ledger gives one answer.
    for (let first = 0; first < ids.length; first += A_READ)
      views.push(...(await ledger.readTasks(ids.slice(first, first + A_READ))));
    return views;
  });
}

/** Those that have not ended as the ledger has them, or as they were last seen while it cannot be reached. */
async function readOpen(session: Session, open: readonly TaskId[], watch: TaskWatch): Promise<readonly TaskView[]> {
  return (await readViews(session, open)) ?? open.flatMap((id) => watch.view(id) ?? []);
}

/** As JSON every task that was waited for has a line, those that have not ended too. */
async function printOpen(session: Session, open: readonly TaskId[], watch: TaskWatch): Promise<void> {
  if (open.length === 0) return;
  for (const view of await readOpen(session, open, watch)) session.printJson(view);
}

const NAMED = 5;

/** Nothing is looked up: who leaves does not wait for that. */
function interruptedText(open: readonly TaskId[], all: string | undefined): string {
  const which = namesOf(open, all);
  const what = open.length === 1 ? `${which} has` : `${open.length} tasks have`;
  return `tasks: interrupted: ${what} not ended, and nothing was stopped (that is tasks cancel); wait again with: tasks wait ${which}`;
}

/** What has not ended goes on, or waits for something, by the views that there are; the command that waits for it again. */
function timeoutText(
  open: readonly TaskId[],
  views: readonly TaskView[],
  wanted: number,
  { all, timeoutMs = 0 }: AwaitOptions,
): string {
  const what = wanted === 1 ? `${open.join('')} has` : `${open.length} of ${wanted} have`;
  const rest = `nothing was stopped: ${restText(open.length, views)}`;
  return `${what} not ended within ${exactDuration(timeoutMs)}; ${rest}; wait again with: tasks wait ${namesOf(open, all)}`;
}

function namesOf(open: readonly TaskId[], all = '--all'): string {
  return open.length <= NAMED ? open.join(' ') : all;
}

function restText(open: number, views: readonly TaskView[]): string {
  const waits = (is: (kind: WaitingKind) => boolean): readonly TaskView[] =>
    views.filter(({ waitingFor }) => waitingFor !== null && is(waitingFor.kind));
  const people = waits(needsPeople).length;
  const others = waits(needsHelp);
  const inbox = 'see tasks inbox';
  if (people === open) return `${open === 1 ? 'it waits' : 'all of them wait'} for a person, ${inbox}`;
  const [one] = others;
  if (open === 1) return one === undefined ? 'it goes on' : waitsLine(one).replace(one.id, 'it');
  const parts = [
    ...(people === 0 ? [] : [`${people} of them ${people === 1 ? 'waits' : 'wait'} for a person, ${inbox}`]),
    ...(others.length === 0 ? [] : [`${others.length} for a host or an origin, see tasks list`]),
  ];
  if (parts.length === 0) return 'they go on';
  return people + others.length === open ? parts.join('; ') : `${parts.join('; ')}; the others go on`;
}

type Ended = Exclude<Awaited<ReturnType<TaskWatch['run']>>, { readonly kind: 'timeout' }>;

function codeOf(end: Ended, views: readonly TaskView[]): number {
  switch (end.kind) {
    case 'ended':
      return views.every(({ state }) => state === 'landed' || state === 'unchanged') ? EXIT.ok : EXIT.failed;
    case 'people':
      return EXIT.failed;
    case 'interrupted':
      return EXIT.interrupted;
    case 'unknown':
      throw new UsageError(`no task is named ${end.id}; tasks list --all shows them`);
  }
}
