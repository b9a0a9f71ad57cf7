/**
 * Submits tasks. Everything is checked before any task is made; what is acknowledged here has been taken by Temporal,
 * which keeps it whatever dies (N1). The reads of git, the ledger's check and the connection happen at the same time.
 */

import { createHash, randomBytes } from 'node:crypto';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { readProjectContext, type ProjectContext } from '../../config/project-context.ts';
import { taskIdFromBytes, workflowIds, type TaskId } from '../../core/ids.ts';
import { isSameOrigin, otherOriginFix, otherOriginText } from '../../core/moved-origin.ts';
import { passwordFix } from '../../core/origin-url.ts';
import type { TaskView, TaskSpec } from '../../core/task-types.ts';
import { MAX_BODY_BYTES, oneLine } from '../../core/text.ts';
import { LedgerUnavailable } from '../../ledger/types.ts';
import type { TaskInput } from '../../workflows/messages.ts';
import { findAgentProgram } from '../agent-program.ts';
import { ordered } from '../bounded.ts';
import { EXIT, Failed, textOf, UsageError } from '../errors.ts';
import { forMany } from '../for-many.ts';
import { readInput } from '../inputs.ts';
import { partlyTaken } from '../partly-taken.ts';
import { readListed } from '../known.ts';
import { findBlocked } from '../blocked-tasks.ts';
import { webUrl, type Session } from '../session.ts';
import { startTask } from '../start-task.ts';
import { checkDraft, parseDrafts, type Draft, type Submission } from '../submission.ts';
import { isNoAnswer, type Temporal } from '../temporal.ts';
import { awaitTasks } from './wait.ts';

export interface SubmitOptions {
  readonly json?: true;
  readonly body?: string;
  readonly file?: string;
  readonly run?: string;
  readonly agent?: string;
  readonly priority?: string;
  readonly requestId?: string;
  readonly requires?: string;
  readonly type?: string;
  readonly for?: string;
  readonly blocks?: string;
  /** Once: with commas; several times: one each. */
  readonly choices?: readonly string[];
  readonly default?: string;
  readonly approve?: readonly string[];
  readonly from?: string;
  readonly wait?: true;
  readonly waitForPeople: boolean;
  readonly timeout?: number;
}

type Context = Extract<ProjectContext, { kind: 'ok' }>;

const AT_ONCE = 16;
const START_MS = 10_000;
const MAX_LIST_BYTES = 64 * 1024 * 1024;

/** `tasks submit`. */
export async function submit(session: Session, options: SubmitOptions, args: readonly string[]): Promise<number> {
  checkOptions(options, args);
  const dialling = session.temporal().then((temporal) => {
    temporal.dial();
    return temporal;
  });
  // Wrong input is told first, whatever the servers do: what they say is heard below.
  dialling.catch(() => undefined);
  const [context, drafts] = await Promise.all([readContext(session), readDrafts(session, options, args)]);
  const submissions = drafts.map(({ line, draft }) => {
    const checked = checkDraft(draft, context.settings);
    if (checked.kind === 'ok') return checked.value;
    throw new UsageError(line === null ? checked.message : `--from: line ${line}: ${checked.message}`);
  });
  await checkPrograms(session, context, submissions);
  for (const warning of context.warnings) session.note(`tasks: ${warning}`);
  const connecting = dialling.then(async (temporal) => {
    await temporal.within(START_MS, () => temporal.connection.ensureConnected());
    return temporal;
  });
  const [temporal, { origin, note }] = await Promise.all([
    connecting,
    chooseOrigin(session, context),
    noteMissingWorker(session),
  ]);
  const inOrder = ordered<() => void>((tell) => tell());
  const blocked = await findBlocked(session, submissions);
  const [sent, taken] = [new Set<number>(), new Set<number>()];
  const started = await forMany(session, submissions, AT_ONCE, async (submission, index) => {
    sent.add(index);
    const made = await start(session, temporal, { ...context, origin }, submission, blocked);
    const shown = made.existing
      ? await readListed(session, made.id)
      : { title: submission.title, state: 'queued' as const, type: submission.type };
    taken.add(index);
    inOrder.pass(index, () => report(session, temporal, made, shown, context));
    return made;
  }).catch((error: unknown) => {
    // What was taken is acknowledged, also behind one that was not.
    inOrder.passRest();
    const known = partlyTaken({ lines: drafts.map(({ line }) => line ?? 1), taken, sent, noAnswer: isNoAnswer(error) });
    throw known === null ? error : new Failed(`${textOf(error)}; ${known}`);
  });
  if (note !== null) session.note(note);
  if (options.wait !== true) return EXIT.ok;
  return awaitTasks(session, [...new Set(started.map(({ id }) => id))], {
    waitForPeople: options.waitForPeople,
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
  });
}

/** On the embedded stack the worker is on this machine, so a missing agent can be told before a task is made. */
async function checkPrograms(session: Session, context: Context, submissions: readonly Submission[]): Promise<void> {
  const { environment } = session;
  if (environment.temporalAddress !== null || environment.temporalProfile !== null) return;
  const names = new Set(
    submissions.flatMap(({ work, type }) => (work.kind === 'agent' && type !== 'question' ? [work.agent] : [])),
  );
  for (const name of names) {
    const definition = context.settings.agents[name];
    if (definition === undefined) continue;
    const { program, path, fix } = await findAgentProgram(definition, environment);
    if (path === null)
      throw new UsageError(`agent: the program of ${name}, ${program}, is not on this machine; ${fix}`);
  }
}

function checkOptions(options: SubmitOptions, args: readonly string[]): void {
  if (!options.waitForPeople && options.wait !== true) {
    throw new UsageError('--no-wait-for-people: says how to wait; give --wait beside it, or leave it out');
  }
  if (options.timeout !== undefined && options.wait !== true) {
    throw new UsageError('--timeout: says how long to wait; give --wait beside it, or leave it out');
  }
  if (options.from !== undefined) {
    const others = { title: args[0], '--body': options.body, '--file': options.file, '--run': options.run };
    const { type, for: whom, blocks, choices, default: standard, approve } = options;
    const asking = { '--type': type, '--for': whom, '--blocks': blocks, '--choices': choices, '--default': standard };
    const more = {
      ...others,
      '--agent': options.agent,
      '--priority': options.priority,
      '--request-id': options.requestId,
      '--requires': options.requires,
      ...asking,
      '--approve': approve,
    };
    const given = Object.entries(more).find(([, value]) => value !== undefined);
    if (given !== undefined) throw new UsageError(`--from: takes no ${given[0]} beside it; put it into the lines`);
    return;
  }
  if (args[0] === undefined) {
    throw new UsageError('title: is missing; give one line that says what to do, or many tasks with --from FILE');
  }
  if (options.body !== undefined && options.file !== undefined) {
    throw new UsageError('--body and --file: a task has one body; leave one of them out');
  }
  if (options.run !== undefined && options.agent !== undefined) {
    throw new UsageError('--run and --agent: a task is a command or an agent; leave one of them out');
  }
}

async function readContext(session: Session): Promise<Context> {
  const context = await readProjectContext(session.io.cwd, session.environment.all);
  if (context.kind === 'invalid') throw new UsageError(context.message);
  return context;
}

async function readDrafts(
  session: Session,
  options: SubmitOptions,
  args: readonly string[],
): Promise<readonly { readonly line: number | null; readonly draft: Draft }[]> {
  if (options.from !== undefined) {
    const { didYouMean } = await import('../../config/explain.ts');
    const parsed = parseDrafts(await readInput(session.io, '--from', options.from, MAX_LIST_BYTES), didYouMean);
    if (parsed.kind === 'invalid') throw new UsageError(`--from: ${parsed.message}`);
    return parsed.value;
  }
  const { run, agent, priority, requestId, requires, type, blocks, approve } = options;
  const choices = options.choices?.length === 1 ? options.choices[0] : options.choices;
  const asking = { type, for: options.for, blocks, choices, default: options.default, approve };
  const body =
    options.file === undefined ? options.body : await readInput(session.io, '--file', options.file, MAX_BODY_BYTES);
  return [{ line: null, draft: { title: args[0] ?? '', body, run, agent, priority, requestId, requires, ...asking } }];
}

/**
 * A project's name belongs to one origin, in the words in which it was first given: another way to write it is the same.
 * Landing checks it again: a ledger that is down hinders nobody (N9), which the note says once the tasks are taken.
 */
async function chooseOrigin(session: Session, context: Context): Promise<{ origin: string; note: string | null }> {
  const { origin, checkout } = context;
  const { project } = context.settings;
  try {
    const bound = (await (await session.ledger())?.originOf(project)) ?? newOrigin(checkout);
    if (isSameOrigin(bound, origin)) return { origin: bound, note: null };
    const other = { project, bound, here: origin, remote: checkout.remote };
    throw new UsageError(`project: ${otherOriginText(other)}; ${otherOriginFix(other)}`);
  } catch (error) {
    if (!(error instanceof LedgerUnavailable)) throw error;
    return {
      origin,
      note: `tasks: ${oneLine(error.message)}; the task is taken all the same, and lists show it later`,
    };
  }
}

/** @throws UsageError when it has a password in it, which would stand in histories and lists (N10) */
function newOrigin({ origin, remote }: Context['checkout']): string {
  const fix = remote === null ? null : passwordFix(origin, remote);
  if (fix === null) return origin;
  throw new UsageError(`${remote}: the URL of this remote has a password in it, which everybody would see; ${fix}`);
}

async function noteMissingWorker(session: Session): Promise<void> {
  const { temporal } = await session.connection();
  if (temporal.from !== 'stack') return;
  const { states } = await session.stack();
  if (states.worker === 'alive') return;
  session.note('tasks: no worker is running in the stack; the task waits for one: tasks up, or tasks worker');
}

interface Started {
  readonly id: TaskId;
  readonly existing: boolean;
}

type Shown = Pick<TaskView, 'title' | 'state' | 'type'>;

function chooseId(project: string, requestId: string | null): TaskId {
  if (requestId === null) return taskIdFromBytes(randomBytes(16));
  return taskIdFromBytes(createHash('sha256').update(`${project}\0${requestId}`).digest());
}

async function start(
  session: Session,
  temporal: Temporal,
  context: Context,
  wanted: Submission,
  blocked: ReadonlyMap<string, TaskId>,
): Promise<Started> {
  const { settings, checkout } = context;
  const id = chooseId(settings.project, wanted.requestId);
  const owner = {
    name: oneLine(await session.actor(checkout.userName), 100),
    email: oneLine(checkout.userEmail ?? '', 200),
  };
  const spec: TaskSpec = {
    id,
    project: settings.project,
    origin: context.origin,
    branch: settings.branch,
    configCommit: context.configCommit,
    title: wanted.title,
    body: wanted.body,
    work: wanted.work,
    policy: { ...settings.policy, approve: wanted.approve ?? settings.policy.approve },
    owner,
    ...(wanted.priority === 'normal' ? {} : { priority: wanted.priority }),
    ...(wanted.requires.length === 0 ? {} : { requires: wanted.requires }),
    createdAtMs: Date.now(),
    requestId: wanted.requestId,
    type: wanted.type,
    for: wanted.for,
    blocks: blocked.get(wanted.blocks ?? '') ?? null,
    choices: wanted.choices,
    default: wanted.default,
    parent: null,
  };
  const input: TaskInput = { spec, carried: null };
  try {
    await temporal.within(START_MS, () => startTask(temporal.client, input, 'REJECT_DUPLICATE'));
    return { id, existing: false };
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    if (wanted.requestId === null) throw new Failed(`the id ${id} was taken by chance; submit again`);
    return { id, existing: true };
  }
}

/** A task that was there before is shown as it is, whatever was asked for this time. */
function report(session: Session, temporal: Temporal, made: Started, shown: Shown, context: Context): void {
  const workflowId = workflowIds.task(made.id);
  const url = webUrl(temporal.settings, workflowId);
  const { project } = context.settings;
  if (!session.json) {
    const note = made.existing ? session.palette.dim(`  (submitted before, ${shown.state})`) : '';
    session.print(`${made.id}  ${oneLine(shown.title)}${note}`);
    return;
  }
  session.printJson({
    id: made.id,
    title: shown.title,
    project,
    type: shown.type,
    state: shown.state,
    existing: made.existing,
    workflowId,
    ...(url === null ? {} : { webUrl: url }),
  });
}
