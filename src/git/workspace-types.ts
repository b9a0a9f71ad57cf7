/** What the git room takes and gives of a task's workspace: making it ready, and storing what is left in it. */

import type { FailureKind } from '../core/failure.ts';
import type { IncludedText } from '../core/included.ts';
import type { BranchName, ObjectId, ProjectName, TaskId } from '../core/ids.ts';
import type { LostAttempts, StartPoint } from '../core/task-request.ts';
import type { Checkpoint, Person } from '../core/task-types.ts';
import type { Scan } from './scan.ts';

/** A task's folders on this host. */
export interface Workspace {
  readonly taskId: TaskId;
  /** `<home>/workspaces/<project>/<task>/worktree` */
  readonly worktree: string;
  /** `<home>/workspaces/<project>/<task>/task`: prompt, report, notes; outside the worktree. */
  readonly taskDir: string;
  /** The agent's session as an earlier attempt has stored it, where one has; beside the task folder. */
  readonly sessionFile: string;
  /** The local branch that the worktree has checked out: `tasks/<id>`. */
  readonly branch: string;
  /** The commit of main that the work stands on. */
  readonly base: ObjectId;
  /** What the branch pointed at when the attempt began; an attempt must leave a descendant of it. */
  readonly start: ObjectId;
  /** Conflicted files whose markers the engine left for the agent, in a revision; else empty. */
  readonly conflicted: readonly string[];
  /** Files that have main's version in place of a conflict, to be made anew by these commands; null where none have. */
  readonly anew: { readonly files: readonly string[]; readonly commands: readonly string[] } | null;
  /** Whose unfinished work is in the worktree, beside what the branch has, and the commit that it came from; left out: nobody's. */
  readonly unfinished?: { readonly attempt: number; readonly content: ObjectId };
}

export interface PrepareRequest {
  readonly taskId: TaskId;
  readonly project: ProjectName;
  readonly origin: string;
  readonly branch: BranchName;
  readonly attempt: number;
  readonly start: StartPoint;
  /** Of a revision: where the conflicts are in nothing but files that main's rules make anew, main's version is taken. */
  readonly regenerate?: boolean;
  /** Attempts that are to store nothing any more, and whether what they have stored is gone on from. */
  readonly unfinished?: LostAttempts;
}

export type PrepareResult =
  | { readonly kind: 'ready'; readonly workspace: Workspace }
  | {
      readonly kind: 'failed';
      readonly failure: FailureKind;
      readonly message: string;
      readonly next: string;
      /** The origin has been reached before, and comes back by itself. */
      readonly isAway?: true;
    };

export interface IncludeRequest {
  readonly project: ProjectName;
  readonly origin: string;
  readonly workspace: Workspace;
  /** Where this host has a checkout of the project; null: the origin itself, where that is one on this host. */
  readonly checkout: string | null;
}

export type IncludeResult =
  /** There is no .worktreeinclude. */
  | { readonly kind: 'none' }
  /** The task's own files have one, and this host has no checkout. */
  | { readonly kind: 'no-checkout' }
  | { readonly kind: 'failed'; readonly message: string }
  | {
      readonly kind: 'done';
      readonly copied: number;
      readonly left: readonly { readonly path: string; readonly why: string }[];
      /** The texts among what was copied, as they were then. */
      readonly texts: readonly IncludedText[];
    };

export interface AttemptRequest {
  readonly project: ProjectName;
  readonly origin: string;
  readonly workspace: Workspace;
  readonly attempt: number;
  /** Whether the attempt has had its ref: without it, nothing more of the attempt is stored. */
  readonly hasRef?: boolean;
  /** The agent's session, which goes with the notes; left out: the one that is there already. */
  readonly session?: Buffer;
}

export interface UnfinishedRequest extends AttemptRequest {
  /** Looks through everything that would be pushed; left out: nobody looks. */
  readonly scan?: Scan;
}

export type UnfinishedResult =
  /** `leftOut`: what has changed and was not stored, by name. */
  | { readonly kind: 'stored'; readonly head: ObjectId; readonly leftOut: readonly string[] }
  /** Since it was last stored, or the attempt began. */
  | { readonly kind: 'unchanged'; readonly leftOut: readonly string[] }
  /** The attempt's ref is no longer as it left it: nothing of it is stored any more. */
  | { readonly kind: 'taken-over' }
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly message: string; readonly next: string };

export interface StoreRequest extends AttemptRequest {
  /** The message of the commit that the engine makes of what was left uncommitted. */
  readonly message: string;
  readonly author: Person;
  /** Refused as `regenerate-failed` when anything but these files was changed, or committed; left out: all that was left is taken. */
  readonly only?: readonly string[];
  /** Looks through everything that would be pushed; what it finds stops it. Left out: nobody looks. */
  readonly scan?: Scan;
  /** More than this, by what its files seem to have, is refused as `unstorable-files`; left out: any amount is taken. */
  readonly maxBytes?: number;
  /** What the agent has committed cannot be read any more: its files are stored, on what the attempt began with. */
  readonly filesOnly?: boolean;
  /** Stored as this attempt's own also where nothing has changed since the last: by its attempt the queue knows a hand-off. */
  readonly anew?: true;
  /** The attempt whose refs may be deleted once this one's are pushed are those below this one; null to delete none. */
  readonly confirmedAttempt: number | null;
}

export type StoreResult =
  | { readonly kind: 'stored'; readonly checkpoint: Checkpoint }
  /** What the agent left cannot be taken: nested repository, other branch, unrelated history, conflict markers, … */
  | { readonly kind: 'failed'; readonly failure: FailureKind; readonly message: string; readonly next: string };
