/**
 * What a task has to do with other tasks: those that it proposed and that are to be made, and the one that waits for a
 * question's answer. Each signal is confirmed before the workflow goes on (N1).
 */

import {
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  ParentClosePolicy,
  startChild,
  WorkflowIdReusePolicy,
  log,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import {
  defineSearchAttributeKey,
  TypedSearchAttributes,
  WorkflowExecutionAlreadyStartedError,
} from '@temporalio/common';
import { taskIdFromBytes, workflowIds, type TaskId } from '../core/ids.ts';
import type { QueueItem, Target } from '../core/queue-types.ts';
import { UNKNOWN_ACTOR } from '../core/replies.ts';
import { currentSpec, type Task, type TaskInputEvent } from '../core/task.ts';
import { childSpecOf, describeTask } from '../core/task-description.ts';
import { queueItemOf } from '../core/task-request.ts';
import type { Checkpoint, NewTask, TaskSpec } from '../core/task-types.ts';
import { shortActivities } from './activity-options.ts';
import { blockSignal, releaseSignal, TASK_QUEUES, WORKFLOW_TYPES, type TaskInput } from './messages.ts';

const ANSWER_UNDER_WAY_MS = 1_000;

/** Starts a task that was proposed; one that was started before is the same one. It lives on when its parent ends. */
export async function makeTask(spec: TaskSpec, made: NewTask): Promise<void> {
  const child = childSpecOf(spec, made, Date.now());
  const { summary, details, attributes } = describeTask(child);
  const input: TaskInput = { spec: child, carried: null };
  try {
    await startChild(WORKFLOW_TYPES.task, {
      workflowId: workflowIds.task(child.id),
      taskQueue: TASK_QUEUES.tasks,
      args: [input],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary: summary,
      staticDetails: details,
      typedSearchAttributes: new TypedSearchAttributes(
        Object.entries(attributes).map(([name, value]) => ({ key: defineSearchAttributeKey(name, 'KEYWORD'), value })),
      ),
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** Tells the task that waits for this question's answer. */
export async function blockOther(spec: TaskSpec): Promise<void> {
  const { blocks, id, title } = spec;
  if (blocks === null) return;
  await tell(blocks, (other) => other.signal(blockSignal, { by: id, text: title }));
}

/** The question is over: its answer, or that there is none, goes to the task that waited for it. */
export async function releaseOther(spec: TaskSpec, task: Task): Promise<void> {
  const { stage, exchanges, summary } = task;
  const { blocks, id } = spec;
  if (blocks === null || stage.kind !== 'ended') return;
  const actor = exchanges.at(-1)?.actor ?? spec.owner.name;
  // One that was answered at once has not told the other task of itself.
  const said =
    stage.end === 'unchanged' && summary !== null
      ? { text: summary, question: currentSpec(task, spec).title }
      : { text: `nobody answered (${stage.end})` };
  await tell(blocks, (other) => other.signal(releaseSignal, { by: id, actor, ...said }));
}

/** What releases a task from questions that were ended from outside, and so told it nothing. */
export async function releasesOf(blockers: Task['blockers']): Promise<readonly TaskInputEvent[]> {
  const closed = await shortActivities.closedTasks(blockers.map(({ by }) => by)).catch(() => []);
  // The answer of one that has just ended by itself is here, and only has to be taken.
  if (closed.length > 0)
    await condition(() => false, ANSWER_UNDER_WAY_MS, { summary: 'for an answer that is under way' });
  const text = 'nobody answered (the question was ended from outside)';
  return closed.map((by) => ({ kind: 'release', by, text, actor: UNKNOWN_ACTOR }));
}

async function tell(
  id: NonNullable<TaskSpec['blocks']>,
  send: (other: ReturnType<typeof getExternalWorkflowHandle>) => Promise<void>,
): Promise<void> {
  try {
    await send(getExternalWorkflowHandle(workflowIds.task(id)));
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.info('the task that waits for this question has ended', { id });
  }
}

/** Ids for tasks that may be made: the workflow's own random numbers, the same in a replay. */
export function newIds(count: number): readonly TaskId[] {
  const encoder = new TextEncoder();
  // Each byte of a version 4 UUID's text has at least four random bits, but for its hyphens and its version.
  return Array.from({ length: count }, () => taskIdFromBytes(encoder.encode(uuid4().replaceAll('-', ''))));
}

/** What it hands off, by this run of its workflow and those that it was continued from. */
export function handOffOf(task: Task, spec: TaskSpec, checkpoint: Checkpoint): QueueItem {
  return { ...queueItemOf(task, spec, checkpoint), firstRun: workflowInfo().firstExecutionRunId };
}

/** Which queue it lands in. */
export function targetOf({ project, branch, origin }: TaskSpec): Target {
  return { project, branch, origin };
}
