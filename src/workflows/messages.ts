/**
 * The public contract of the workflows: their names, inputs, messages and queries. Plain values without a dependency
 * at run time, so that a client can load them in no time.
 *
 * Every human message exists as an update (the caller learns at once whether it was taken) and as a signal of the same
 * name and payload (for the Temporal Web UI, `temporal workflow signal` and a caller whose workers are down). The two
 * are one by their `messageId`: whichever comes second finds it handled.
 */

import type { QueryDefinition, SignalDefinition, UpdateDefinition } from '@temporalio/common';
import type { ObjectId, TaskId } from '../core/ids.ts';
import type { AskView } from '../core/ask-types.ts';
import { labelKey } from '../core/labels.ts';
import type { Control } from '../core/queue.ts';
import type { CarriedQueue } from '../core/queue-carried.ts';
import type { QueueNewsRequest, ToldOfQueue } from '../core/queue-news.ts';
import type { LandingReply, QueueItem, QueueView, RunState, Target } from '../core/queue-types.ts';
import type { ReplyName } from '../core/replies.ts';
import type { Task } from '../core/task.ts';
import type {
  Exchange,
  MainConflict,
  Phase,
  RevisionRequest,
  TaskSpec,
  TaskStateName,
  TaskView,
} from '../core/task-types.ts';
import type { TaskEvent } from '../core/task-events.ts';

export const WORKFLOW_TYPES = { task: 'task', integration: 'integrationV2', notice: 'notice', gate: 'gate' } as const;

export const TASK_QUEUES = {
  /** Workflows and short activities. */
  tasks: 'tasks',
  /** A phase, on any host with a free slot. */
  agents: 'agents',
  /** Gate runs. */
  gates: 'gates',
} as const;

/** Where phases go that require these labels: any host's, or the queue of that very set. */
export function agentsQueue(requires: readonly string[]): string {
  return requires.length === 0 ? TASK_QUEUES.agents : `${TASK_QUEUES.agents}/${labelKey(requires)}`;
}

/** Where runs of a gate go that requires these labels. */
export function gatesQueue(requires: readonly string[]): string {
  return requires.length === 0 ? TASK_QUEUES.gates : `${TASK_QUEUES.gates}/${labelKey(requires)}`;
}

/** Where phases go that go on with a workspace: the workers of its host that have the labels. */
export function hostQueue(host: string, requires: readonly string[]): string {
  return requires.length === 0 ? `host/${host}` : `host/${host}/${labelKey(requires)}`;
}

export interface TaskInput {
  readonly spec: TaskSpec;
  /** The state that an earlier run of this workflow handed on; null for a new task. */
  readonly carried: CarriedTask | null;
  /** Who retries a task that has ended, for the record. */
  readonly retriedBy?: string;
  /** From which phase, when one is named; judged by who retries. */
  readonly retriedFrom?: Phase;
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

/** Which question or proposal is meant: refused when another one is open by now; left out: the one that is open. */
interface Reply extends Message {
  readonly version?: number;
}

export interface AnswerMessage extends Reply {
  readonly text: string;
}

/** With nothing in it, it counts when exactly one thing is open; of a question it takes the default answer. */
export interface ApproveMessage extends Reply {
  /** The edited text: it is what holds. */
  readonly text?: string;
  /** Of a proposal of further tasks, one for each: `{}` accepts, `{"drop": true}` drops, a title or a body edits. */
  readonly items?: readonly { readonly drop?: boolean; readonly title?: string; readonly body?: string }[];
}

export interface ReviseMessage extends Reply {
  /** What to change. */
  readonly text: string;
}

export interface RejectMessage extends Reply {
  readonly reason: string;
}

export interface CommentMessage extends Message {
  readonly text: string;
}

export interface EditMessage extends Message {
  readonly title?: string;
  readonly body?: string;
}

export interface RetryMessage extends Message {
  /** An earlier phase than the one that failed. */
  readonly from?: Phase;
  /** The last attempt that the sender knows of: refused when there has been another since. */
  readonly attempt?: number;
}

/** What people send, by the name of the update and of the signal. */
export interface Replies {
  readonly answer: AnswerMessage;
  readonly approve: ApproveMessage;
  readonly revise: ReviseMessage;
  readonly reject: RejectMessage;
  readonly comment: CommentMessage;
  readonly edit: EditMessage;
  readonly retry: RetryMessage;
}

/** What the Temporal Web UI says beside each. */
export const REPLY_DESCRIPTIONS: Readonly<Record<ReplyName, string>> = {
  answer: 'Answers the open question: {"text": "…"}; several open: {"text": "…", "version": 2}',
  approve: 'Approves what is proposed: no input, or {"text": "…"} with edits',
  revise: 'Asks for changes: {"text": "what to change"}',
  reject: 'Turns the proposal down and ends the task: {"reason": "…"}',
  comment: 'Reaches the next prompt: {"text": "…"}',
  edit: 'Changes the submission: {"title": "…", "body": "…"}',
  retry: 'Goes on with a task that waits after failing: no input, or {"from": "plan"}, an earlier phase',
};

/** The type that a refused update's ApplicationFailure has; its message is the reason. */
export const REFUSED = 'Refused';

export function updateOf<Name extends ReplyName>(name: Name): UpdateDefinition<MessageOutcome, [Replies[Name]], Name> {
  return { type: 'update', name } as UpdateDefinition<MessageOutcome, [Replies[Name]], Name>;
}

export function signalOf<Name extends ReplyName>(name: Name): SignalDefinition<[Replies[Name]], Name> {
  return { type: 'signal', name } as SignalDefinition<[Replies[Name]], Name>;
}

/** Sent by the workflow of a question to the task that waits for its answer. */
export interface BlockMessage {
  readonly by: TaskId;
  readonly text: string;
}

export interface ReleaseMessage extends BlockMessage {
  readonly actor: string;
  /** What was asked, where it was answered: it may have been before it could block. Left out by an older version. */
  readonly question?: string;
}

export const blockSignal = { type: 'signal', name: 'block' } as SignalDefinition<[BlockMessage], 'block'>;
export const releaseSignal = { type: 'signal', name: 'release' } as SignalDefinition<[ReleaseMessage], 'release'>;

/** Sent by a worker's conflict radar: of the work `head`; null when there is no conflict any more. */
export interface ConflictMessage {
  readonly head: ObjectId;
  readonly conflict: MainConflict | null;
}

export const conflictSignal = { type: 'signal', name: 'conflict' } as SignalDefinition<[ConflictMessage], 'conflict'>;

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
  /** The questions and the proposal that are open, oldest first. */
  readonly asks: readonly AskView[];
  /** Events that the ledger has not confirmed yet. */
  readonly unrecorded: readonly TaskEvent[];
}

export const detailQuery = { type: 'query', name: 'detail' } as QueryDefinition<TaskDetail, [], 'detail'>;
/** What a new run needs to go on where this one ended; `tasks retry` of an ended task. */
export const carryQuery = { type: 'query', name: 'carry' } as QueryDefinition<TaskInput, [], 'carry'>;

/** All that happened to a task in one run of its workflow, for whoever builds the ledger anew. */
export interface TaskHistory {
  readonly view: TaskView;
  readonly spec: TaskSpec;
  /** Oldest first; those of earlier runs are told by these. */
  readonly events: readonly TaskEvent[];
}

export const historyQuery = { type: 'query', name: 'history' } as QueryDefinition<TaskHistory, [], 'history'>;

/** What the queue asks of a task: what it has handed off, null when nothing; a worker of an older version the name of its state, too. */
export const itemQuery = { type: 'query', name: 'item' } as QueryDefinition<QueueItem | null, [], 'item'>;
export const stateQuery = { type: 'query', name: 'state' } as QueryDefinition<TaskStateName, [], 'state'>;

export interface IntegrationInput {
  readonly target: Target;
  /** Null for a new one. */
  readonly carried: CarriedQueue | null;
  /** Whether a new one goes by the rules of versions after 0.3.0; left out: it does not. */
  readonly oneTurn?: true;
  /** The same of versions after 0.5.0. */
  readonly toldOnce?: true;
  /** The same of versions after 0.6.0. */
  readonly redRests?: true;
  /** After so many facts it continues as new; left out by an older version: when the server suggests it. */
  readonly factsARun?: number;
  /** What people were told of the queue, and are still to be told; left out by an older version. */
  readonly people?: { readonly told: ToldOfQueue; readonly news: readonly QueueNewsRequest[] };
}

/** Sent by a gate run: how it is, and how it ended. */
export interface VerdictMessage {
  readonly key: string;
  readonly state: RunState;
}

export const verdictSignal = { type: 'signal', name: 'verdict' } as SignalDefinition<[VerdictMessage], 'verdict'>;

export interface AwaitVerdictMessage {
  /** The id of the workflow that wants to be told. */
  readonly waiter: string;
}

export const awaitVerdictSignal = { type: 'signal', name: 'await-verdict' } as SignalDefinition<
  [AwaitVerdictMessage],
  'await-verdict'
>;

/** What an operator says to a queue: by update it learns at once whether it counts. */
export const controlUpdate = { type: 'update', name: 'control' } as UpdateDefinition<
  { readonly kind: 'taken' },
  [Control],
  'control'
>;
export const controlSignal = { type: 'signal', name: 'control' } as SignalDefinition<[Control], 'control'>;

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
export const SEARCH_ATTRIBUTES = ['TaskState', 'Project', 'WaitingFor', 'Agent', 'Owner', 'Requires'] as const;
