/** How each activity is called: where it runs, how long it may take, and how its end is read. */

import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  proxyActivities,
  proxyLocalActivities,
  TimeoutFailure,
  type ActivityOptions,
} from '@temporalio/workflow';
import type { Activities, GateAnswer, GateRequest, PhaseAnswer } from '../activities/types.ts';
import type { Failure } from '../core/failure.ts';
import { policyOf } from '../core/phase-policy.ts';
import type { Phase, TaskSpec } from '../core/task-types.ts';
import { NO_FREE_SLOT, type PhaseRequest } from '../core/task-request.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { agentsQueue, gatesQueue, TASK_QUEUES } from './messages.ts';

/** Longer than any pause of a healthy worker; shorter than a person's patience. */
const HEARTBEAT_TIMEOUT_MS = 15_000;
/** What an attempt may take beside its agent: an hour of set-up, twice half an hour for an origin that is away, and more. */
const AROUND_AGENT_MS = 3 * 60 * 60 * 1_000;
/** A workspace elsewhere is made anew, with its set-up; a host that is gone or full is waited for no longer. */
const NEAR_MS = 3_000;
/** A worker gives back at most one for each of its queues while its slots are taken; more often would be a fault. */
const MAX_OFFERS = 20;
const GATE_LIMIT_MS = 24 * 60 * 60 * 1_000;
const MAX_MESSAGE_CHARS = 500;
/** As Node names what the system refuses. */
const NO_SPACE = /\b(?:ENOSPC|EDQUOT)\b/;

/** Begun work goes first: 1 is the most urgent. */
const PRIORITY_OF: Readonly<Record<Phase, number>> = { revise: 1, execute: 2, plan: 3, understand: 4 };

type Long = Pick<Activities, 'runPhase' | 'runGate'>;
type Short = Omit<Activities, keyof Long | 'deliver' | 'senderOf' | 'tellOfQueue'>;

// The workflow decides about another try, with the failure's class at hand; the server's own retries would hide it.
const ONCE = { maximumAttempts: 1 };

/**
 * Has an attempt run: where its workspace is, when there is a free slot within a moment, and wherever else there is one. For as
 * long as no worker has the labels that the task requires, nobody polls its queue: it waits there.
 */
export async function runAttempt(
  request: PhaseRequest,
  spec: Pick<TaskSpec, 'policy' | 'requires'>,
  near: string | undefined,
): Promise<PhaseAnswer> {
  const anywhere: Place = { taskQueue: agentsQueue(spec.requires ?? []) };
  const first = near === undefined ? anywhere : { taskQueue: near, scheduleToStartTimeout: NEAR_MS };
  return untilTaken((offers) => phaseActivity(request, spec, offers === 1 ? first : anywhere)(request));
}

/** Has a gate run wherever there is a free slot of a worker with the labels that it requires. */
export async function runGateOnce(request: GateRequest, title: string, number: number): Promise<GateAnswer> {
  const { requires = [] } = request.candidate.gate;
  const place = { taskQueue: gatesQueue(requires), priority: { priorityKey: urgencyOf(request) } };
  return untilTaken(() => gateActivity(`gate, run ${number}: ${title}`, place)(request));
}

/** Offers it again, some times, as long as nobody had a slot for it: nothing has begun then. */
async function untilTaken<T>(offer: (offers: number) => Promise<T>): Promise<T> {
  for (let offers = 1; ; offers += 1) {
    try {
      return await offer(offers);
    } catch (error) {
      if (offers >= MAX_OFFERS || !wasNotTaken(error)) throw error;
    }
  }
}

type Place = Pick<ActivityOptions, 'taskQueue' | 'scheduleToStartTimeout'>;

function wasNotTaken(error: unknown): boolean {
  const cause = error instanceof ActivityFailure ? error.cause : null;
  if (cause instanceof TimeoutFailure) return cause.timeoutType === 'SCHEDULE_TO_START';
  return cause instanceof ApplicationFailure && cause.type === NO_FREE_SLOT;
}

function phaseActivity(
  { phase, attempt }: PhaseRequest,
  { policy }: Pick<TaskSpec, 'policy'>,
  place: Place,
): Long['runPhase'] {
  return proxyActivities<Long>({
    ...place,
    startToCloseTimeout: policyOf(policy, phase).totalTimeoutMs + AROUND_AGENT_MS,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    priority: { priorityKey: PRIORITY_OF[phase] },
    retry: ONCE,
    summary: `${phase}, attempt ${attempt}`,
  }).runPhase;
}

/**
 * Before the runs of other queues that wait for a slot: what holds up all of a queue, and then what may throw somebody out.
 * Nothing is put behind the others, so that nobody waits for good.
 */
function urgencyOf({ item, red }: GateRequest): number {
  if (item === null || item.priority === 'hotfix') return 1;
  return red === null ? 3 : 2;
}

function gateActivity(summary: string, place: Pick<ActivityOptions, 'taskQueue' | 'priority'>): Long['runGate'] {
  return proxyActivities<Long>({
    ...place,
    startToCloseTimeout: GATE_LIMIT_MS,
    heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: ONCE,
    summary,
  }).runGate;
}

/** Under a second as a rule, alike on every host, and harmless when run twice: local activities. */
export const shortActivities: Short = {
  record: short('the ledger is told').record,
  handOff: short('handed off for landing').handOff,
  closedTasks: short('are the questions that block it still open?').closedTasks,
  buildCandidate: short('the candidate is built').buildCandidate,
  startGate: short('the gate is begun').startGate,
  startMainGate: short('the gate is begun on main itself').startMainGate,
  dropGate: short('a gate run that nobody needs is given up').dropGate,
  lookAtQueue: short('main and the gate runs are looked at').lookAtQueue,
  askForItems: short('tasks are asked what they hand off').askForItems,
  sealCandidates: short('candidates say which gate run covers them').sealCandidates,
  land: short('main is moved to the candidate').land,
};

/** @param summary what the Temporal Web UI says of it */
function short(summary: string): Short {
  return proxyLocalActivities<Short>({
    startToCloseTimeout: '10 minutes',
    retry: { maximumAttempts: 5, initialInterval: '200 ms', backoffCoefficient: 3, maximumInterval: '10 s' },
    summary,
  });
}

/**
 * Asked from a signal's handler while the workflow itself may be in a short activity: never a local one, since of two at
 * a time a replay does not keep the order in which they ended.
 */
export const { senderOf } = proxyActivities<Pick<Activities, 'senderOf'>>({
  taskQueue: TASK_QUEUES.tasks,
  startToCloseTimeout: '30 s',
  scheduleToCloseTimeout: '2 minutes',
  retry: { maximumAttempts: 3, initialInterval: '200 ms' },
  summary: 'who sent the signal',
});

/** Beside the queue's own short activities, so never a local one: in a replay it would end in another order. */
export const { tellOfQueue } = proxyActivities<Pick<Activities, 'tellOfQueue'>>({
  taskQueue: TASK_QUEUES.tasks,
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '1 hour',
  retry: { initialInterval: '1 s', backoffCoefficient: 3, maximumInterval: '5 minutes' },
  summary: 'people are told of the queue',
});

/** Why a long activity ended without a result, as a failure of the attempt. */
export function failureOfActivity(error: unknown): Failure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof CancelledFailure) {
    return { kind: 'canceled', message: 'the attempt was canceled', next: 'nothing: somebody asked for it' };
  }
  if (cause instanceof TimeoutFailure) {
    return {
      kind: 'worker-lost',
      message: `the worker that ran the attempt went silent (${cause.timeoutType})`,
      next: 'nothing: the attempt is moved to another worker; if it goes on, look at the workers with: tasks status',
    };
  }
  const message = oneLine(messageOf(cause), MAX_MESSAGE_CHARS);
  if (NO_SPACE.test(message)) {
    const next = 'make room on the disk of its state home; it is tried again, and after the last try: tasks retry';
    return { kind: 'no-space', message: `no space was left on the host that ran the attempt (${message})`, next };
  }
  return {
    kind: 'engine-error',
    message: `the engine failed while it ran the attempt: ${message}`,
    next: 'look at the worker log; when it is mended: tasks retry',
    ...(cause instanceof ApplicationFailure && cause.stack !== undefined
      ? { evidence: cause.stack.slice(0, 4_000) }
      : {}),
  };
}

/** The reason of an activity's failure, without Temporal's wrapping. */
export function reasonOf(error: unknown): string {
  return messageOf(error instanceof ActivityFailure && error.cause !== undefined ? error.cause : error);
}
