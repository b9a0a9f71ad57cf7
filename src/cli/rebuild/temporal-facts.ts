/**
 * What Temporal knows of tasks: by a query of each run where a worker answers, else by the run's result; and when and
 * where attempts began, from the histories.
 *
 * Each run is asked once, and one that runs only while it rests (docs/adr/0014).
 */

import { setTimeout as pause } from 'node:timers/promises';
import { WorkflowFailedError, type WorkflowExecutionInfo, type WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { UnreadablePayload } from '../../codec/encryption-codec.ts';
import { taskIdOfWorkflow, workflowIds, type TaskId } from '../../core/ids.ts';
import type { Target } from '../../core/queue-types.ts';
import { joinEvents, type BegunAttempt, type TaskFacts } from '../../core/rebuild.ts';
import type { TaskView } from '../../core/task-types.ts';
import { isRecord, oneLine } from '../../core/text.ts';
import { messageOf } from '../../core/thrown.ts';
import { historyQuery, WORKFLOW_TYPES, type TaskHistory } from '../../workflows/messages.ts';
import { readPayload } from '../payloads.ts';
import { isNoAnswer, isNoWorker, type Temporal } from '../temporal.ts';

const CALL_MS = 10_000;
const LIST_MS = 10 * 60_000;
const REST_MS = 20;
/** One that never rests is asked all the same: once does little harm. */
const MAX_LOOKS = 20;
/** As many as are asked at once: when there is no worker they are waited for together. */
const MOST_UNANSWERED = 4;
const MAX_WHY_CHARS = 300;
const NOBODY = 'no worker answers; start one with: tasks up, or tasks worker';
/** The SDK's word for a history that does not follow from the code. */
const OF_ANOTHER_BUILD = /TMPRL1100|nondeterminism/i;
const NOT_REPLAYED = 'the workers that run cannot replay its history; start one of the build that has written it';

/** One run of a workflow. */
export type RunInfo = Pick<WorkflowExecutionInfo, 'workflowId' | 'runId' | 'startTime' | 'closeTime'> & {
  readonly status: string;
};

/** The runs of each task, oldest first. */
export async function listRuns(temporal: Temporal): Promise<ReadonlyMap<TaskId, readonly RunInfo[]>> {
  const runs = new Map<TaskId, RunInfo[]>();
  await temporal.within(LIST_MS, async () => {
    const query = `WorkflowType = '${WORKFLOW_TYPES.task}'`;
    for await (const { workflowId, runId, startTime, closeTime, status } of temporal.client.workflow.list({ query })) {
      const id = taskIdOfWorkflow(workflowId);
      const run: RunInfo = { workflowId, runId, startTime, status: status.name, ...(closeTime ? { closeTime } : {}) };
      if (id !== null) runs.set(id, [...(runs.get(id) ?? []), run]);
    }
  });
  for (const of of runs.values()) of.sort((one, other) => one.startTime.getTime() - other.startTime.getTime());
  return runs;
}

/** The branches that tasks land on, by the inputs of the integration workflows that run. */
export async function listOrigins(temporal: Temporal): Promise<readonly Target[]> {
  const targets: Target[] = [];
  await temporal.within(LIST_MS, async () => {
    const query = `WorkflowType = '${WORKFLOW_TYPES.integration}' AND ExecutionStatus = 'Running'`;
    for await (const { workflowId, runId } of temporal.client.workflow.list({ query })) {
      const { history } = await temporal.client.workflowService.getWorkflowExecutionHistory({
        namespace: temporal.settings.namespace,
        execution: { workflowId, runId },
        maximumPageSize: 1,
      });
      const payload = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
      if (payload) targets.push((await readPayload<{ readonly target: Target }>(temporal, payload)).target);
    }
  });
  return targets;
}

/** How many workflows in a row were not answered for: after a few the others are not waited for. */
export interface Asking {
  unanswered: number;
}

export interface ReadFacts {
  /** Null when nothing of it is known but that it is there: it runs, and tells nothing. */
  readonly facts: Omit<TaskFacts, 'landing'> | null;
  /** Why its workflow has not told all, in one line; null: it has. */
  readonly why: string | null;
}

export async function readFacts(
  temporal: Temporal,
  id: TaskId,
  runs: readonly RunInfo[],
  asking: Asking,
): Promise<ReadFacts> {
  const told: TaskHistory[] = [];
  const begun: BegunAttempt[] = [];
  let view: TaskView | null = null;
  let why: string | null = null;
  for (const run of runs) {
    const handle = temporal.client.workflow.getHandle(workflowIds.task(id), run.runId);
    const answer = await askOnce(temporal, handle, run, asking);
    if (answer.kind === 'told') {
      told.push(answer.history);
      view = answer.history.view;
    } else {
      why ??= answer.why;
      view = (await resultOf(temporal, handle, run)) ?? view;
    }
    begun.push(...(await readBegun(temporal, handle)));
  }
  const last = runs.at(-1);
  if (view === null || last === undefined) return { facts: null, why };
  const terminated = last.status === 'TERMINATED' && view.endedAt === null;
  const facts = {
    view,
    events: why === null ? joinEvents(told.map(({ events }) => events)) : [],
    begun,
    endedFromOutside: terminated ? (last.closeTime ?? new Date()).toISOString() : null,
  };
  return { facts, why };
}

type Answer =
  | { readonly kind: 'told'; readonly history: TaskHistory }
  | { readonly kind: 'silent'; readonly why: string };

async function askOnce(
  temporal: Temporal,
  handle: WorkflowHandle,
  { status }: RunInfo,
  asking: Asking,
): Promise<Answer> {
  if (asking.unanswered >= MOST_UNANSWERED) return { kind: 'silent', why: NOBODY };
  try {
    if (status === 'RUNNING') await rest(temporal, handle);
    const asked = () => handle.query(historyQuery);
    const history = await temporal.connection.withDeadline(Date.now() + CALL_MS, asked);
    asking.unanswered = 0;
    return { kind: 'told', history };
  } catch (error) {
    if (error instanceof UnreadablePayload) throw error;
    if (isNoWorker(error) || isNoAnswer(error)) {
      asking.unanswered += 1;
      return { kind: 'silent', why: NOBODY };
    }
    const message = messageOf(error);
    return { kind: 'silent', why: OF_ANOTHER_BUILD.test(message) ? NOT_REPLAYED : oneLine(message, MAX_WHY_CHARS) };
  }
}

/** Until two looks have seen the same history. */
async function rest(temporal: Temporal, handle: WorkflowHandle): Promise<void> {
  let length = -1;
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    const { historyLength } = await temporal.within(CALL_MS, () => handle.describe());
    if (historyLength === length) return;
    length = historyLength;
    await pause(REST_MS);
  }
}

/** How a closed run ended, as its result says it; a failed and a canceled task's is in the failure. */
async function resultOf(temporal: Temporal, handle: WorkflowHandle, { status }: RunInfo): Promise<TaskView | null> {
  if (status !== 'COMPLETED' && status !== 'FAILED' && status !== 'CANCELLED') return null;
  try {
    const result: unknown = await temporal.connection.withDeadline(Date.now() + CALL_MS, () => handle.result());
    return isView(result) ? result : null;
  } catch (error) {
    if (error instanceof UnreadablePayload) throw error;
    const cause = error instanceof WorkflowFailedError ? error.cause : null;
    const hasDetails = cause instanceof ApplicationFailure || cause instanceof CancelledFailure;
    const [details] = hasDetails ? (cause.details ?? []) : [];
    return isView(details) ? details : null;
  }
}

function isView(value: unknown): value is TaskView {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['sequence'] === 'number';
}

/** Identities are `host@pid`. */
const HOST = /^(.+)@\d+$/;

/** When each attempt was taken, and by which host: of what runs now Temporal says it beside the history. */
async function readBegun(temporal: Temporal, handle: WorkflowHandle): Promise<readonly BegunAttempt[]> {
  const [{ events }, { raw }] = await temporal.within(LIST_MS, () =>
    Promise.all([handle.fetchHistory(), handle.describe()]),
  );
  const attempts = new Map<string, number>();
  const activities = new Map<string, number>();
  const begun: BegunAttempt[] = [];
  const add = (attempt: number | undefined, identity: string, seconds: unknown, nanos: unknown): void => {
    const host = HOST.exec(identity)?.[1];
    if (attempt === undefined || host === undefined) return;
    const at = new Date(Number(seconds ?? 0) * 1_000 + Math.floor(Number(nanos ?? 0) / 1e6)).toISOString();
    begun.push({ attempt, host, at });
  };
  for (const event of events ?? []) {
    const scheduled = event.activityTaskScheduledEventAttributes;
    const started = event.activityTaskStartedEventAttributes;
    const payload = scheduled?.input?.payloads?.[0];
    if (payload && scheduled.activityType?.name === 'runPhase') {
      const { attempt } = await readPayload<{ readonly attempt: number }>(temporal, payload);
      attempts.set(String(event.eventId), attempt);
      activities.set(scheduled.activityId ?? '', attempt);
    }
    if (started) {
      const { scheduledEventId, identity } = started;
      add(attempts.get(String(scheduledEventId)), identity ?? '', event.eventTime?.seconds, event.eventTime?.nanos);
    }
  }
  for (const { activityId, lastWorkerIdentity, lastStartedTime } of raw.pendingActivities ?? []) {
    const attempt = activities.get(activityId ?? '');
    if (lastStartedTime) add(attempt, lastWorkerIdentity ?? '', lastStartedTime.seconds, lastStartedTime.nanos);
  }
  return begun;
}
