/** The data of one task: what was submitted, what its attempts brought back, and what people see of it. */

import type { Patience, Proposal, ProposalKind, Question, StageGate } from './ask-types.ts';
import type { Failure } from './failure.ts';
import type { BranchName, ObjectId, ProjectName, TaskId } from './ids.ts';
import type { ProtectedChange } from './protected.ts';
import type { WaitingKind } from './waiting.ts';

export { needsPeople, waitsForPerson, type WaitingKind } from './waiting.ts';

/** `hotfix` goes ahead of what is being gated; `bulk` waits for the others, within limits. */
export type Priority = 'hotfix' | 'normal' | 'bulk';
export const PRIORITIES: readonly Priority[] = ['hotfix', 'normal', 'bulk'];

export type Phase = 'understand' | 'plan' | 'execute' | 'revise';

export interface Person {
  readonly name: string;
  readonly email: string;
}

/** Who does the work: an agent by the name that it has in tasks.yaml, or one shell command. */
export type Work =
  | { readonly kind: 'agent'; readonly agent: string }
  | { readonly kind: 'shell'; readonly run: string };

/** How often and how long; read from tasks.yaml when the task is submitted. */
export interface TaskPolicy {
  /** Tries of one phase before a person is asked, at least 1. */
  readonly attempts: number;
  /** Revisions before a person is asked, at least 0. */
  readonly revisions: number;
  /** After the last revision landing holds this long for the task's one turn for itself; 0: never. Left out: half an hour. */
  readonly turnMs?: number;
  /** No output for this long ends an attempt. */
  readonly idleTimeoutMs: number;
  /** An attempt that takes this long is ended. */
  readonly totalTimeoutMs: number;
  /** How long is waited before a next try. Left out: a second, doubled up to a minute. */
  readonly backoff?: Backoff;
  /** What holds for single phases instead of what holds for all. */
  readonly phases?: Readonly<Partial<Record<Phase, PhasePolicy>>>;
  /** What has stalled twice in a row waits for a person. Left out, by older versions: it is tried like what else failed. */
  readonly retryStallsOnce?: true;
  /** The stages that wait for a decision. */
  readonly approve: readonly StageGate[];
  readonly patience: Patience;
  readonly notify: readonly NotifyRule[];
}

/** Milliseconds: after a first failure, doubled with each further one, and at the most. */
export interface Backoff {
  readonly firstMs: number;
  readonly capMs: number;
}

/** What a project may say of one phase. */
export type PhasePolicy = Partial<Pick<TaskPolicy, 'attempts' | 'idleTimeoutMs' | 'totalTimeoutMs' | 'backoff'>>;

/** Whom to tell of what. */
export interface NotifyRule {
  /** A target of the host's configuration. */
  readonly to: string;
  readonly events: readonly NoticeKind[];
  /** Minutes after midnight, by the clock of the host that sends: what happens between them is told at the end. Null: always at once. */
  readonly quiet: { readonly fromMinute: number; readonly toMinute: number } | null;
}

export type NoticeKind = 'asks' | 'failed' | 'landed' | 'stalled' | 'parked' | 'conflicts' | 'queue';
export const NOTICE_KINDS: readonly NoticeKind[] = [
  'asks',
  'failed',
  'landed',
  'stalled',
  'parked',
  'conflicts',
  'queue',
];

/** `proposal` becomes a task when it is approved; `question` ends with its answer. */
export type TaskType = 'task' | 'proposal' | 'question';
export const TASK_TYPES: readonly TaskType[] = ['task', 'proposal', 'question'];

/** What somebody submitted. It never changes; what people edit later is kept beside it. */
export interface TaskSpec {
  readonly id: TaskId;
  readonly project: ProjectName;
  /** A URL or an absolute path that git can fetch from and push to. */
  readonly origin: string;
  readonly branch: BranchName;
  /** The commit whose tasks.yaml it was submitted with; its phases go by that of the main that they stand on, where there is one. */
  readonly configCommit: ObjectId;
  readonly title: string;
  readonly body: string;
  readonly work: Work;
  readonly policy: TaskPolicy;
  readonly owner: Person;
  /** In which class it waits for landing; left out: normal. */
  readonly priority?: Priority;
  /** The labels that a worker has to have to run its phases, sorted; left out: none. */
  readonly requires?: readonly string[];
  readonly createdAtMs: number;
  readonly requestId: string | null;
  readonly type: TaskType;
  /** Who is to answer or decide; null: whoever looks. */
  readonly for: string | null;
  /** Of a question: the task that waits for its answer. */
  readonly blocks: TaskId | null;
  /** Of a question. */
  readonly choices: readonly string[];
  readonly default: string | null;
  /** The task whose proposal it came from. */
  readonly parent: TaskId | null;
}

/** Where an attempt left the task's work: pushed to the origin as `refs/tasks/<id>/<attempt>/head`. */
export interface Checkpoint {
  /** The commit of main that the work stands on. */
  readonly base: ObjectId;
  readonly head: ObjectId;
  /** The attempt whose refs hold it. */
  readonly attempt: number;
  /** Whether head's tree differs from base's. */
  readonly changed: boolean;
  /** By name; left out: none. */
  readonly removedTests?: readonly string[];
}

export interface Usage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
}

export interface AttemptFacts {
  /** The id of the host that ran it; null when it never began. */
  readonly host: string | null;
  /** The agent's own session id, for resuming it in a later phase. */
  readonly session: string | null;
  readonly usage: Usage | null;
  /** Null when nothing usable was left; the one before then still holds. */
  readonly checkpoint: Checkpoint | null;
  /** The task queue of the host that has the workspace now; left out: there is no other host. */
  readonly near?: string;
  /** How it ran: without a sandbox, on the host's network. Left out: nothing. */
  readonly notes?: readonly string[];
}

/** A task that another one makes, under an id that was chosen for it once. */
export interface NewTask {
  readonly id: TaskId;
  readonly type: 'task' | 'proposal';
  readonly title: string;
  readonly body: string;
}

/** More of a document is cut off, with a mark that says so: it travels in payloads. */
export const MAX_DOCUMENT_CHARS = 32_000;

export type AttemptOutcome = AttemptFacts &
  (
    | {
        readonly kind: 'done';
        readonly summary: string;
        /** What the phase's stage gate shows, where it has one: the understanding, the plan, the diff; at most {@link MAX_DOCUMENT_CHARS}. */
        readonly document: string | null;
        /** Left out: none. It waits for a person before it lands. */
        readonly protected?: ProtectedChange;
        /** Tasks that the agent thinks somebody should do: each becomes a task of type proposal. */
        readonly proposals: readonly NewTask[];
        /** No agent has run: main was merged, and files that its rules name were made anew. */
        readonly regenerated?: true;
      }
    | { readonly kind: 'question'; readonly questions: readonly Question[] }
    | { readonly kind: 'proposal'; readonly proposal: Proposal }
    | { readonly kind: 'failed'; readonly failure: Failure }
  );

/** Why landing sent a task back, with the evidence that the next attempt needs. */
export interface RevisionRequest {
  readonly kind: 'conflict' | 'red';
  /** The main that the candidate was built on. */
  readonly main: ObjectId;
  /** One line. */
  readonly text: string;
  /** Conflicting paths, at most 50. */
  readonly files: readonly string[];
  /** The gate's command that failed; null for a conflict. */
  readonly failedCommand: string | null;
  /** Both sides of the conflicts, or the end of the failing command's log: at most 16 KiB. */
  readonly evidence: string;
  /** What landed on main since the task's base, newest first, at most 20. */
  readonly landedSince: readonly { readonly commit: ObjectId; readonly title: string }[];
  /** Of a conflict in nothing but files that rules of main make anew: a revision without an agent may settle it. */
  readonly regenerate?: true;
}

/** That a task's stored work does not go together with main as it is by now; the task goes on all the same. */
export interface MainConflict {
  /** The work that was tried, and the main that it was tried on. */
  readonly head: ObjectId;
  readonly main: ObjectId;
  /** Conflicting paths, at most 20. */
  readonly files: readonly string[];
  /** What landed on these files since the task's base and what it was for, newest first, at most 10. */
  readonly landed: readonly { readonly commit: ObjectId; readonly title: string; readonly summary: string }[];
}

/** Why landing cannot go on for now. */
export interface Held {
  /** `checkout` and `gate` wait for a person, `origin` for the origin to answer, `engine` for a fault to pass. */
  readonly kind: 'checkout' | 'gate' | 'origin' | 'engine';
  readonly text: string;
  readonly sinceMs: number;
}

/** How many exchanges of each kind are kept no more. */
export type LeftOut = Readonly<Record<Exchange['kind'], number>>;

/** Something between a task and people, for the next prompt. */
export interface Exchange {
  readonly kind: 'question' | 'decision' | 'comment';
  /** The question, or what was proposed; empty for a comment. */
  readonly question: string;
  /** The answer, the decision with its words, or the comment. */
  readonly answer: string;
  readonly actor: string;
  readonly atMs: number;
}

export type EndKind = 'landed' | 'unchanged' | 'failed' | 'rejected' | 'canceled';
export const END_KINDS: readonly EndKind[] = ['landed', 'unchanged', 'failed', 'rejected', 'canceled'];

export type TaskStateName = 'queued' | 'running' | 'waiting' | 'landing' | EndKind;
export const TASK_STATES: readonly TaskStateName[] = ['queued', 'running', 'waiting', 'landing', ...END_KINDS];

export function isEnd(state: TaskStateName): state is EndKind {
  return (END_KINDS as readonly string[]).includes(state);
}

export interface WaitingFor {
  readonly kind: WaitingKind;
  /** What is waited for, and how to reply where a person is. */
  readonly text: string;
  /** ISO 8601. */
  readonly since: string;
  /** Of a question or proposal, the oldest that is open: what a reply names. */
  readonly version: number | null;
  readonly proposal: ProposalKind | null;
  /** Who is asked; null: whoever looks. */
  readonly for: string | null;
  /** How many questions are open. */
  readonly open: number;
}

/** One task as people and the ledger see it; `tasks show --json` prints it. Times are ISO 8601. */
export interface TaskView {
  readonly id: TaskId;
  readonly title: string;
  readonly project: ProjectName;
  readonly branch: BranchName;
  readonly origin: string;
  readonly state: TaskStateName;
  readonly phase: Phase | null;
  readonly attempt: number;
  readonly waitingFor: WaitingFor | null;
  readonly commit: ObjectId | null;
  readonly createdAt: string;
  readonly endedAt: string | null;
  readonly failure: Failure | null;
  /** The agent's name, or `shell`. */
  readonly agent: string;
  /** The labels that its hosts have to have; left out: none. */
  readonly requires?: readonly string[];
  readonly owner: string;
  readonly summary: string | null;
  readonly revisions: number;
  readonly checkpoint: Checkpoint | null;
  /** With what landed meanwhile; null: none is known. */
  readonly conflict: MainConflict | null;
  readonly usage: Usage;
  readonly requestId: string | null;
  readonly type: TaskType;
  readonly parent: TaskId | null;
  /** Grows with each change; a record with a lower one is stale. */
  readonly sequence: number;
}
