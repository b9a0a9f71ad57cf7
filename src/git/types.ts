/** What the git room takes and gives. Expected failures are values; what throws is a fault of the engine or its host. */

import type { FailureKind } from '../core/failure.ts';
import type { ObjectId, ProjectName, TaskId } from '../core/ids.ts';
import type { MergeRule } from '../core/merge-rules.ts';
import type {
  Below,
  BuildAnswer,
  BuildResult,
  Candidate,
  LandResult,
  MainSeen,
  QueueItem,
  Target,
} from '../core/queue-types.ts';
import type { Part, SealAnswer } from '../core/queue.ts';
import type { Sight, Work } from '../core/radar.ts';
import type { Stored } from '../core/relief.ts';
import type { ChangedFile } from '../core/removed-tests.ts';
import type { StartPoint } from '../core/task-request.ts';
import type { RevisionRequest } from '../core/task-types.ts';
import type { GitMount } from './confined.ts';
import type { Problem } from './origin.ts';
import type { Scan } from './scan.ts';
import type { Store } from './stores.ts';
import type {
  AttemptRequest,
  IncludeRequest,
  IncludeResult,
  PrepareRequest,
  PrepareResult,
  StoreRequest,
  StoreResult,
  UnfinishedRequest,
  UnfinishedResult,
  Workspace,
} from './workspace-types.ts';

export type TracesResult =
  | {
      readonly kind: 'traces';
      /** The highest number of an attempt that has refs; 0 when none has. */
      readonly lastAttempt: number;
      /** The commit by which it has landed. */
      readonly landed: ObjectId | null;
    }
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly message: string; readonly next: string };

export type FileAt =
  /** Null: the commit has no such file. */
  | { readonly kind: 'file'; readonly text: string | null }
  /** It has more than 1 MiB. */
  | { readonly kind: 'too-large' }
  /** `isAway`: the origin has been reached before, and comes back by itself. */
  | ({ readonly kind: 'failed'; readonly isAway?: true } & Problem);

/** By paths from the worktree. */
export interface Differences {
  /** What git neither has nor ignores; of a folder of which git has nothing its own path alone, with a slash. */
  readonly untracked: readonly string[];
  /** What git has, and is otherwise there, or not at all. */
  readonly changed: readonly string[];
}

export interface GateWorktree {
  readonly path: string;
  /** HOME of this run alone, over what main's set-up has left in its own. */
  readonly home: string;
  /** True when set-up has to run before the gate: nothing that it made is kept for these lock files and this command. */
  readonly needsSetup: boolean;
  /** Whether the worktree is at main, for a set-up that is to be kept, and goes to the candidate when that is done. */
  isOnMain(): boolean;
  /** Goes to the candidate, clean, for a set-up of its own: main's could not be made. */
  goToCandidate(): Promise<void>;
  /** Keeps what set-up has made of main and lays it into the candidate; a candidate's own stays where it is, for this run. */
  markSetUp(): Promise<void>;
  /** Gives the worktree back for the next run. */
  release(): Promise<void>;
  /** The same after a run that has filled the disk: nothing of it stays, and the next run makes it anew. */
  discard(): Promise<void>;
}

/** Everything that touches a repository, for one state home. */
export interface GitRoom {
  /** Reads a file as it stands in a commit of the project's mirror, fetching the branch when the commit is unknown. */
  readFileAt(target: Target, commit: ObjectId, path: string): Promise<FileAt>;
  prepareWorkspace(request: PrepareRequest): Promise<PrepareResult>;
  /** Copies what the .worktreeinclude of this host's checkout of the project names into a fresh workspace; once for each. */
  includeFiles(request: IncludeRequest): Promise<IncludeResult>;
  /** How a workspace differs from what it was made of. */
  differences(request: Parameters<GitRoom['confineWorkspace']>[0]): Promise<Differences>;
  /** Makes files of a workspace again what it was made of, whatever lies there. */
  putBack(request: Parameters<GitRoom['confineWorkspace']>[0], paths: readonly string[]): Promise<void>;
  /** What a confined process of the task is to see of the repository, and may write; what it commits comes with {@link storeWorkspace}. */
  confineWorkspace(request: {
    readonly project: ProjectName;
    readonly origin: string;
    readonly workspace: Workspace;
  }): Promise<readonly GitMount[]>;
  /** Without a sandbox: from now on, until {@link storeWorkspace} has taken it in, what is committed in the worktree goes into a repository of the task's own. */
  separateWorkspace(request: Parameters<GitRoom['confineWorkspace']>[0]): Promise<void>;
  /** The same for a gate's worktree, whose commits are nobody's. */
  confineGate(path: string): Promise<readonly GitMount[]>;
  /** Makes the attempt's ref on the origin, by which each of its pushes is refused once it is gone; what is wrong, or null. */
  beginAttempt(request: AttemptRequest): Promise<Problem | null>;
  /** Stores what there is while the agent works on: files and commits, whatever is not ignored, and the task folder's artifacts. */
  storeUnfinished(request: UnfinishedRequest): Promise<UnfinishedResult>;
  /** Commits what is left in the worktree, checks it, and pushes the checkpoint (and the notes of the task folder) to the origin. */
  storeWorkspace(request: StoreRequest): Promise<StoreResult>;
  /** What a task's workspace here is stored as; null when it is not here, or an attempt in it was not stored. */
  storedCheckpoint(project: ProjectName, taskId: TaskId): Promise<Stored>;
  /** Says that nothing that an attempt has left in the workspace is wanted: no agent has run. */
  leaveAttempt(project: ProjectName, taskId: TaskId, attempt: number): Promise<void>;
  /** Removes a task's workspace from this host. The caller has proof that the task is over and stored (N8). */
  removeWorkspace(project: ProjectName, taskId: TaskId): Promise<void>;
  /** Says that this process is at work in a task's workspace, until what is returned is called. */
  useWorkspace(taskId: TaskId): Promise<() => Promise<void>>;
  /** Whether a living process of this host is at work in it. */
  isWorkspaceUsed(taskId: TaskId): Promise<boolean>;
  /**
   * Removes a workspace that no process of this host is at work in; `mayGo` has the last word (N8), and nobody begins
   * before `gone` has ended.
   */
  removeUnused(
    project: ProjectName,
    taskId: TaskId,
    asked: { readonly mayGo: () => Promise<boolean>; readonly gone: () => Promise<void> },
  ): Promise<'removed' | 'kept' | 'in-use'>;
  /** Deletes every `refs/tasks/<id>/…` of these tasks on the origin. The caller has proof that each landed or changed nothing (N8). */
  deleteTaskRefs(target: Target, taskIds: readonly TaskId[]): Promise<void>;
  /** The workspaces that this host has. */
  listWorkspaces(): Promise<readonly { readonly project: ProjectName; readonly taskId: TaskId }[]>;
  /** The files that differ between two commits of a task, with what they are in the second. */
  changedFiles(request: {
    readonly project: ProjectName;
    readonly origin: string;
    readonly base: ObjectId;
    readonly head: ObjectId;
  }): Promise<readonly ChangedFile[]>;
  /** The difference between two commits of a task, for a person to decide about; null when it cannot be told. */
  diffOf(request: {
    readonly project: ProjectName;
    readonly origin: string;
    readonly base: ObjectId;
    readonly head: ObjectId;
  }): Promise<string | null>;
  /** What a task has left on the origin so far. */
  tracesOf(target: Target, taskId: TaskId): Promise<TracesResult>;
  /** A candidate on main as it now is; see {@link buildOn} for one on another candidate. */
  buildCandidate(target: Target, item: QueueItem, readGate: ReadGate): Promise<BuildResult>;
  buildOn(target: Target, request: BuildCandidateRequest, readGate: ReadGate): Promise<BuiltCandidate>;
  /** Main as it is on the origin, and how it came there from `known`; null when that cannot be told now. */
  lookAtMain(target: Target, known: ObjectId | null): Promise<MainSeen | null>;
  /** A commit of main as a candidate is: what its own gate run is about; null when it cannot be had. */
  mainCandidate(target: Target, commit: ObjectId, readGate: ReadGate): Promise<Candidate | null>;
  /** What landed on main after a commit, newest first, at most 20: from this host's mirror, none when it lacks either. */
  landedSince(target: Target, since: ObjectId, main: ObjectId): Promise<RevisionRequest['landedSince']>;
  /** Which stored works conflict with main as it is by now, and with one another; null when main cannot be had now. */
  lookAround(target: Target, works: readonly Work[]): Promise<Sight | null>;
  land(target: Target, item: QueueItem, candidate: Candidate): Promise<LandResult>;
  /** All of them in one push, the first on main as it is, each on the one before; lands all or none. */
  landTogether(target: Target, under: readonly Landed[], last: Landed): Promise<LandResult>;
  /** Writes the commits of candidates anew, each after what it stands on, with what covers them. */
  sealCandidates(target: Target, parts: readonly Part[], below: readonly Below[]): Promise<SealAnswer>;
  /** A worktree of the mirror, clean, at the candidate, its tree compared with the candidate's; without an item: at a commit of main. */
  gateWorktree(
    target: Target,
    item: QueueItem | null,
    candidate: Candidate,
    below?: readonly Below[],
  ): Promise<GateWorktree>;
  /** The mirrors, landing repositories, kept set-ups and gate worktrees of this host. */
  listStores(): Promise<readonly Store[]>;
  /** Removes one, unless somebody of this host has it just now: false then. It can be made again. */
  removeStore(store: Store): Promise<boolean>;
  /** Which tasks have refs on an origin that this host has a repository of. */
  originTasks(name: { readonly project: ProjectName; readonly origin: string }): Promise<OriginTasks>;
  /** Packs what has gathered in this host's repositories, where there is much of it and nobody needs them just now. */
  keepUp(limits?: Partial<UpkeepLimits>): Promise<readonly Upkept[]>;
}

/** `key` names the origin's folders. */
export type OriginTasks =
  | { readonly kind: 'tasks'; readonly key: string; readonly tasks: readonly TaskId[] }
  /** This host has nothing of it. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'failed'; readonly key: string; readonly message: string };

export interface UpkeepLimits {
  /** So many loose objects, or packs, are a reason; four times as many also while the repository is in use. */
  readonly loose: number;
  readonly packs: number;
  /** How long nobody has asked for the repository, in milliseconds. */
  readonly idleMs: number;
  /** How long one repository may take, in milliseconds: others wait for it that long. */
  readonly timeoutMs: number;
}

/** What came of one repository that had a reason. */
export interface Upkept {
  readonly repository: string;
  readonly kind: 'done' | 'in-use' | 'failed';
  readonly loose: number;
  readonly packs: number;
  /** What git said of a failure; else empty. */
  readonly text: string;
}

export interface Landed {
  readonly item: QueueItem;
  readonly candidate: Candidate;
}

export interface BuildCandidateRequest {
  readonly item: QueueItem;
  /** The candidate that it is to stand on; null: main as it is. */
  readonly parent: ObjectId | null;
  /** The main that was known before. */
  readonly known: ObjectId | null;
  /** What `parent` was made of, nearest main first. */
  readonly below: readonly Below[];
}

export type BuiltCandidate = Pick<BuildAnswer, 'result' | 'main' | 'window' | 'batch' | 'verify'>;

/** Makes the gate's definition from the text of main's tasks.yaml; an error is one line with the fix. */
export type ReadGate = (tasksYaml: string | null) =>
  | {
      readonly kind: 'ok';
      readonly gate: Candidate['gate'];
      readonly window?: number | null;
      readonly batch?: boolean;
      readonly verify?: boolean;
      readonly merges?: readonly MergeRule[];
    }
  | { readonly kind: 'invalid'; readonly message: string };

export type {
  AttemptRequest,
  IncludeRequest,
  IncludeResult,
  PrepareRequest,
  PrepareResult,
  RevisionRequest,
  Scan,
  StartPoint,
  StoreRequest,
  StoreResult,
  UnfinishedRequest,
  UnfinishedResult,
  Workspace,
};
