/** What the ledger takes and gives. A ledger that cannot be reached throws {@link LedgerUnavailable}; nothing else is expected to throw. */

import type { AskView, ItemDecision, Settled } from '../core/ask-types.ts';
import type { Drain, WorkerReport, WorkerSeen } from '../core/hosts.ts';
import type { BranchName, ProjectName, TaskId } from '../core/ids.ts';
import type { RadarReport } from '../core/radar.ts';
import type { TaskStateName, TaskType, TaskView, Usage } from '../core/task-types.ts';
import type { TaskEvent } from '../core/task-events.ts';
import type { Flake, FlakeRow } from './flakes.ts';
import type { RequiredRow } from './list-required.ts';

export class LedgerUnavailable extends Error {
  override readonly name = 'LedgerUnavailable';
}

/** The database is there, and no worker has made its tables yet: nothing is on record. */
export class LedgerEmpty extends LedgerUnavailable {}

export interface LogChunk {
  readonly taskId: TaskId;
  readonly attempt: number;
  /** `agent`, `setup`, or a gate's `gate:<command>`. */
  readonly stream: string;
  /** Tells apart runs that write to one stream, such as a gate's second run: when it began, in milliseconds since the epoch. 0 when left out. */
  readonly run?: number;
  /** The chunk's first byte in the run; with the four above, its key. */
  readonly offset: number;
  readonly text: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface Artifact {
  readonly taskId: TaskId;
  readonly attempt: number;
  /** Such as `plan.md` or `outputs/table.csv`. */
  readonly name: string;
  readonly bytes: number;
  /** At most 256 KiB of it. */
  readonly content: string;
}

export interface AttemptRow {
  readonly attempt: number;
  readonly phase: string;
  readonly outcome: string | null;
  readonly host: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly usage: Usage | null;
  readonly failure: unknown;
}

export interface TaskFilter {
  readonly project: ProjectName | null;
  readonly states: readonly TaskStateName[];
  readonly limit: number;
  /** None, or left out: every type. */
  readonly types?: readonly TaskType[];
  /** Only tasks that this one proposed. */
  readonly parent?: TaskId | null;
}

/** A question or proposal, open or not. */
export interface AskRow extends AskView {
  readonly reminders: number;
  /** Null: none yet; it is open when its task still waits for it. */
  readonly reply: AskReply | null;
}

export interface AskReply {
  readonly how: Settled['how'];
  /** The answer, the edited text, the wanted changes or the reason; null without one. */
  readonly text: string | null;
  /** Of a proposal of further tasks. */
  readonly items: readonly ItemDecision[];
  readonly actor: string;
  /** ISO 8601. */
  readonly at: string;
}

/** What waits for a person. The body of a proposal is in `readAsks`. */
export interface InboxRow extends TaskView {
  /** The open questions, or the open proposal, oldest first; none of a task that waits for something else. */
  readonly asks: readonly Omit<AskView, 'body' | 'items'>[];
}

/** Written by workers. Every write may come twice, late and out of order. */
export interface LedgerWriter {
  /** The newest view wins by its sequence; events are kept by (task, sequence) and projected into attempts, usage, asks and landings. One round trip. */
  record(view: TaskView, events: readonly TaskEvent[]): Promise<void>;
  /** Marks an attempt as begun on a host; the task is shown as running from then on. */
  beginAttempt(taskId: TaskId, attempt: number, host: string, startedAt: string): Promise<void>;
  /** Marks a task as ended whose workflow was ended from outside; nothing when its end is on record. */
  endFromOutside(taskId: TaskId, endedAt: string): Promise<void>;
  appendLogs(chunks: readonly LogChunk[]): Promise<void>;
  saveArtifacts(artifacts: readonly Artifact[]): Promise<void>;
  /** Binds a project's name to its origin; false when the name belongs to another one. */
  bindProject(project: ProjectName, origin: string): Promise<boolean>;
  saveVerdict(verdict: {
    tree: string;
    gateHash: string;
    kind: 'green' | 'red';
    project: ProjectName;
    taskId: TaskId;
    text: string;
    durationMs: number;
  }): Promise<void>;
  saveFlake(flake: Flake): Promise<void>;
  saveRadar(report: RadarReport): Promise<void>;
  /** Writes a worker's report over its last one, `stopped` when it is its last; whether its host is drained. */
  reportWorker(report: WorkerReport, stopped: boolean): Promise<boolean>;
  /** Whether a tree was seen green under a gate's definition. */
  isGreen(tree: string, gateHash: string): Promise<boolean>;
}

/** Read by the CLI. */
export interface LedgerReader {
  listTasks(filter: TaskFilter): Promise<readonly TaskView[]>;
  /** Tasks that failed: that wait after their last attempt or revision, or ended so; the latest first. */
  listFailed(project: ProjectName | null, limit: number): Promise<readonly TaskView[]>;
  readTask(id: TaskId): Promise<TaskView | null>;
  readTasks(ids: readonly TaskId[]): Promise<readonly TaskView[]>;
  /** At most two ids that begin with the prefix: enough to tell an ambiguous one. */
  findIds(prefix: string): Promise<readonly TaskId[]>;
  /** What waits for a person, oldest first, at most `limit`. */
  readInbox(project: ProjectName | null, limit: number): Promise<readonly InboxRow[]>;
  /** All that a task has asked, oldest first, with what became of each. */
  readAsks(id: TaskId): Promise<readonly AskRow[]>;
  readEvents(id: TaskId): Promise<readonly TaskEvent[]>;
  readAttempts(id: TaskId): Promise<readonly AttemptRow[]>;
  /** Log chunks after a cursor, oldest first, at most `limit`; the cursor is the last row's `cursor`. */
  readLogs(
    id: TaskId,
    after: string | null,
    limit: number,
  ): Promise<readonly (LogChunk & { readonly cursor: string })[]>;
  readArtifacts(id: TaskId): Promise<readonly Artifact[]>;
  /** Tests that were red and then green on the same tree, the most frequent first. */
  listFlakes(project: ProjectName | null, limit: number): Promise<readonly FlakeRow[]>;
  /** Open tasks of a branch with stored changes, those that are landing last. */
  listWorks(
    target: { readonly project: ProjectName; readonly branch: BranchName },
    limit: number,
  ): Promise<readonly TaskView[]>;
  /** What the conflict radar has seen last, a report a branch. */
  readRadar(project: ProjectName | null): Promise<readonly RadarReport[]>;
  /** What workers reported last, at most a thousand. */
  readWorkers(): Promise<readonly WorkerSeen[]>;
  /** The labels that phases wait for, the set with the most tasks first. */
  listRequired(): Promise<readonly RequiredRow[]>;
  /** The hosts that are drained. */
  readDrains(): Promise<readonly Drain[]>;
  countByState(project: ProjectName | null): Promise<Readonly<Record<string, number>>>;
  /** The names of all projects that were bound or have tasks, in the order of the alphabet. */
  listProjects(): Promise<readonly string[]>;
  /** The origin that a project's name belongs to; null when it is free. */
  originOf(project: ProjectName): Promise<string | null>;
}
