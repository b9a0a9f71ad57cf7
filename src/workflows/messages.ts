/**
 * The public contract of the workflows: their names, inputs, messages and queries. Plain values without a dependency
 * at run time, so that a client can load them in no time.
 *
 * Every human message exists as an update (the caller learns at once whether it was taken) and as a signal of the same
 * name and payload (for the Temporal Web UI, `temporal workflow signal` and a caller whose workers are down). The two
 * are one by their `messageId`: whichever comes second finds it handled.
 */

import type { QueryDefinition, SignalDefinition, UpdateDefinition } from '@temporalio/common';
import type { TaskId } from '../core/ids.ts';
import type { Queue } from '../core/queue.ts';
import type { LandingReply, QueueItem, QueueView, Target } from '../core/queue-types.ts';
import type { Task } from '../core/task.ts';
import type { Exchange, RevisionRequest, TaskEvent, TaskSpec, TaskView } from '../core/task-types.ts';

export const WORKFLOW_TYPES = { task: 'task', integration: 'integration' } as const;

export const TASK_QUEUES = {
  /** Workflows and short activities. */
  tasks: 'tasks',
  /** A phase, on any host with a free slot. */
  agents: 'agents',
  /** Gate runs. */
  gates: 'gates',
} as const;

export interface TaskInput {
  readonly spec: TaskSpec;
  /** The state that an earlier run of this workflow handed on; null for a new task. */
  readonly carried: CarriedTask | null;
  /** Who retries a task that has ended, for the record. */
  readonly retriedBy?: string;
}

export interface CarriedTask {
  readonly task: Task;
  /** Outcomes of the messages that were handled, newest last, so that a repeated one finds its own (N7). */
  readonly handled: readonly HandledMessage[];
}

export interface HandledMessage {
  readonly messageId: string;
  readonly outcome: MessageOutcome;
}

/** What became of a message. */
export type MessageOutcome =
  | { readonly kind: 'taken'; readonly state: string }
  | { readonly kind: 'refused'; readonly reason: string };

interface Message {
  /** Chosen by the sender; a message with a known id gets the first one's outcome. */
  readonly messageId?: string;
  /** Who sends it: a name for the record. */
  readonly actor?: string;
}

export interface AnswerMessage extends Message {
  readonly text: string;
  /** Refused when another question is open by now; left out: the open one. */
  readonly version?: number;
}

export type RetryMessage = Message;

/** The type that a refused update's ApplicationFailure has; its message is the reason. */
export const REFUSED = 'Refused';

export const answerUpdate = { type: 'update', name: 'answer' } as UpdateDefinition<
  MessageOutcome,
  [AnswerMessage],
  'answer'
>;
export const answerSignal = { type: 'signal', name: 'answer' } as SignalDefinition<[AnswerMessage], 'answer'>;
export const retryUpdate = { type: 'update', name: 'retry' } as UpdateDefinition<
  MessageOutcome,
  [RetryMessage],
  'retry'
>;
export const retrySignal = { type: 'signal', name: 'retry' } as SignalDefinition<[RetryMessage], 'retry'>;

/** Sent by the integration workflow. */
export const landingReplySignal = { type: 'signal', name: 'landing-reply' } as SignalDefinition<
  [LandingReply],
  'landing-reply'
>;

/** Everything about one task; `tasks show`. */
export interface TaskDetail {
  readonly view: TaskView;
  readonly spec: TaskSpec;
  readonly exchanges: readonly Exchange[];
  readonly request: RevisionRequest | null;
  /** The question's version while one is open. */
  readonly askVersion: number | null;
  /** Events that the ledger has not confirmed yet. */
  readonly unrecorded: readonly TaskEvent[];
}

export const detailQuery = { type: 'query', name: 'detail' } as QueryDefinition<TaskDetail, [], 'detail'>;
/** What a new run needs to go on where this one ended; `tasks retry` of an ended task. */
export const carryQuery = { type: 'query', name: 'carry' } as QueryDefinition<TaskInput, [], 'carry'>;

export interface IntegrationInput {
  readonly target: Target;
  /** Null for a new one. */
  readonly carried: Queue | null;
}

export interface HandOffMessage {
  readonly origin: string;
  readonly item: QueueItem;
}

export const handOffSignal = { type: 'signal', name: 'hand-off' } as SignalDefinition<[HandOffMessage], 'hand-off'>;

export interface WithdrawMessage {
  readonly taskId: TaskId;
  readonly handoff: number;
}

export const withdrawSignal = { type: 'signal', name: 'withdraw' } as SignalDefinition<[WithdrawMessage], 'withdraw'>;
export const queueQuery = { type: 'query', name: 'queue' } as QueryDefinition<QueueView, [], 'queue'>;

/** Search attributes, all of type Keyword. */
export const SEARCH_ATTRIBUTES = ['TaskState', 'Project', 'WaitingFor', 'Agent', 'Owner'] as const;
