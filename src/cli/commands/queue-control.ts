/** What an operator says to a queue: as an update, which says whether it counts; as a signal when no worker answers. */

import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { parseBranchName, quote, workflowIds, type BranchName, type TaskId } from '../../core/ids.ts';
import { resumeCommand, type Control } from '../../core/queue.ts';
import type { QueueView } from '../../core/queue-types.ts';
import { oneLine } from '../../core/text.ts';
import { messageOf } from '../../core/thrown.ts';
import { controlSignal, controlUpdate, detailQuery, queueQuery } from '../../workflows/messages.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import { projectHere, requireProject } from '../known-projects.ts';
import { noTask, resolveId } from '../resolve-id.ts';
import type { Session } from '../session.ts';
import { CALL_MS, whyUnheard, type Temporal, type Unheard } from '../temporal.ts';
import { readProject } from './list.ts';
import { listTargets } from './queue.ts';

const UPDATE_MS = 3_000;

export type QueueTarget = Pick<QueueView, 'project' | 'branch'>;

interface Options {
  readonly json?: true;
  readonly project?: string;
  readonly branch?: string;
}

const DONE: Readonly<Record<Exclude<Control['action'], 'pause'>, string>> = {
  resume: 'lands again',
  promote: 'is the next one to be taken',
  remove: 'is out of the queue; tasks retry puts it back',
};

/** `tasks queue pause` and `tasks queue resume`. */
export function holdQueue(action: 'pause' | 'resume') {
  return async (session: Session, options: Options): Promise<number> => {
    const target = await onlyTarget(session, options);
    return say(session, target, { action, actor: await session.actor() }, `${target.project} ${target.branch}`);
  };
}

/** `tasks queue promote` and `tasks queue remove`. */
export function moveInQueue(action: 'promote' | 'remove') {
  return async (session: Session, _options: Options, args: readonly string[]): Promise<number> => {
    const taskId = await resolveId(session, args[0] ?? '');
    const target = await targetOf(session, taskId);
    return say(session, target, { action, actor: await session.actor(), taskId }, taskId);
  };
}

/**
 * The queue that is meant: of the project and the branch that are named, else of the repository that one stands in, else the
 * only one that there is. A project whose tasks.yaml has named several branches has a queue for each.
 */
async function onlyTarget(session: Session, given: Options): Promise<QueueTarget> {
  const project = readProject(given.project);
  const branch = readBranch(given.branch);
  const all = await listTargets(await session.temporal());
  const here = all.length > 1 ? await projectHere(session) : null;
  const own = all.filter((target) => target.project === (project ?? here?.project));
  const ofProject = project !== null || own.length > 0 ? own : all;
  if (ofProject.length === 0) {
    await requireProject(session, project);
    throw new Failed('nothing has been handed off for landing yet, so there is no queue');
  }
  const ofHere = ofProject.filter((target) => target.project === here?.project && target.branch === here.branch);
  const ofBranch = branch === null ? ofHere : ofProject.filter((target) => target.branch === branch);
  const [first, second] = branch !== null || ofBranch.length > 0 ? ofBranch : ofProject;
  if (first !== undefined && second === undefined) return first;
  throw new UsageError(notOne(ofProject, branch));
}

function notOne(targets: readonly QueueTarget[], branch: BranchName | null): string {
  const projects = [...new Set(targets.map((target) => target.project))].slice(0, 10);
  const branches = targets.map((target) => target.branch).slice(0, 10);
  if (projects.length > 1) return `--project: there are several queues (${projects.join(', ')}); name one`;
  return branch === null
    ? `--branch: ${projects.join('')} has several queues (${branches.join(', ')}); name one`
    : `--branch: ${projects.join('')} has no queue for ${quote(branch)}, but for ${branches.join(', ')}`;
}

function readBranch(text: string | undefined): BranchName | null {
  if (text === undefined) return null;
  const parsed = parseBranchName(text);
  if (parsed.kind === 'invalid') throw new UsageError(`--${parsed.message}`);
  return parsed.value;
}

async function targetOf(session: Session, id: TaskId): Promise<QueueTarget> {
  const ledger = await session.ledger();
  const kept = await ledger?.readTask(id).catch(() => null);
  if (kept !== null && kept !== undefined) return kept;
  const temporal = await session.temporal();
  try {
    return (await temporal.within(CALL_MS, () => temporal.task(id).query(detailQuery))).view;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new UsageError(noTask(id));
    throw error;
  }
}

async function say(session: Session, target: QueueTarget, control: Control, what: string): Promise<number> {
  const temporal = await session.temporal();
  const why = await send(temporal, target, control);
  const { project, branch } = target;
  if (session.json) session.printJson({ project, branch, ...control, queued: why !== null });
  else if (why === 'no-worker')
    session.print(`${what}  is told as soon as a worker has time for it: none answered within 3 s`);
  else if (why === 'failing')
    session.print(`${what}  is told when it can go on: it cannot now, and the workers' logs say why`);
  else session.print(`${what}  ${await doneText(temporal, target, control)}`);
  return EXIT.ok;
}

async function doneText(temporal: Temporal, target: QueueTarget, { action }: Control): Promise<string> {
  if (action === 'pause') return `lands nothing until: ${resumeCommand(target.project)}`;
  // Main may be red, or a pause was there before what has stopped it.
  const view = action === 'resume' ? await viewOf(temporal, target) : null;
  if (view === null || view.stopped === null) return DONE[action];
  const isGated = view.evidence !== null && view.againAt === null && view.atRest !== true;
  return isGated
    ? 'main is gated again now; when it is green, it lands again'
    : `goes on, but still: ${oneLine(view.stopped, 500)}`;
}

async function viewOf(temporal: Temporal, { project, branch }: QueueTarget): Promise<QueueView | null> {
  const handle = temporal.client.workflow.getHandle(workflowIds.integration(project, branch));
  try {
    return await temporal.within(CALL_MS, () => handle.query(queueQuery));
  } catch (error) {
    if (error instanceof Failed) return null;
    throw error;
  }
}

/** @returns why it waits in the queue's workflow; null: it is taken. @throws Failed with the reason why it changes nothing */
export async function send(
  temporal: Temporal,
  { project, branch }: QueueTarget,
  control: Control,
): Promise<Unheard | null> {
  let why: Unheard;
  const handle = temporal.client.workflow.getHandle(workflowIds.integration(project, branch));
  try {
    await temporal.connection.withDeadline(Date.now() + UPDATE_MS, () =>
      handle.executeUpdate(controlUpdate, { args: [control] }),
    );
    return null;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) throw new Failed(`nothing waits for landing in ${project}`);
    if (error instanceof WorkflowUpdateFailedError) {
      const reason = error.cause instanceof ApplicationFailure ? error.cause.message : messageOf(error);
      throw new Failed(oneLine(reason, 500), { cause: error });
    }
    const unheard = whyUnheard(error);
    if (unheard === null) throw error;
    why = unheard;
  }
  await temporal.within(CALL_MS, () => handle.signal(controlSignal, control));
  return why;
}
