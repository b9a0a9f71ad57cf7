/** The data of the integration workflow: what waits for landing and what is known about it. */

import type { Failure } from './failure.ts';
import type { BranchName, ObjectId, ProjectName, TaskId } from './ids.ts';
import type { GateDefinition } from './project.ts';
import type { Held, Person, RevisionRequest } from './task-types.ts';
import type { Landing } from './task-events.ts';

/** Which main, of which repository, the queue lands on. */
export interface Target {
  readonly project: ProjectName;
  readonly branch: BranchName;
  readonly origin: string;
}

/** One task's branch, handed off for landing. */
export interface QueueItem {
  readonly taskId: TaskId;
  /** The attempt whose ref, `refs/tasks/<id>/<attempt>/head`, holds the branch. */
  readonly attempt: number;
  readonly head: ObjectId;
  readonly base: ObjectId;
  readonly title: string;
  /** One paragraph for the commit's message; may be empty. */
  readonly summary: string;
  readonly author: Person;
  /** Fixes the candidate's dates, so that building it again gives the same commit. */
  readonly enqueuedAtMs: number;
}

/** A commit that would become main's next. */
export interface Candidate {
  readonly commit: ObjectId;
  readonly tree: ObjectId;
  /** Its first parent. */
  readonly main: ObjectId;
  readonly gate: GateDefinition;
}

export type BuildResult =
  | { readonly kind: 'candidate'; readonly candidate: Candidate; readonly knownGreen: boolean }
  /** The task's commit is on main already (a crash after the push, before the answer). */
  | { readonly kind: 'landed'; readonly landing: Landing }
  /** Merged with main it changes nothing. */
  | { readonly kind: 'nothing-to-land' }
  | { readonly kind: 'conflict'; readonly request: RevisionRequest }
  | { readonly kind: 'refused'; readonly failure: Failure }
  /** The task's workflow is closed, and its commit is not on main: nobody wants it there any more. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'held'; readonly why: Held['kind']; readonly text: string };

export type GateVerdict =
  | { readonly kind: 'green' }
  | {
      readonly kind: 'red';
      readonly failedCommand: string;
      /** One line, such as `npm test exited with 1`. */
      readonly text: string;
      /** The end of its output, at most 16 KiB. */
      readonly logTail: string;
      /** What landed on main since the task's base, newest first. */
      readonly landedSince: RevisionRequest['landedSince'];
    }
  /** The run ended for the engine's or the host's reasons: it says nothing about the tree. */
  | { readonly kind: 'none'; readonly reason: string };

export type LandResult =
  | { readonly kind: 'landed'; readonly landing: Landing }
  /** Main is no longer the candidate's first parent, or the task's workflow is closed: build again, which says more. */
  | { readonly kind: 'moved' }
  /** Main's tree is not the tested one. The queue stops. */
  | { readonly kind: 'mismatch'; readonly text: string }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'held'; readonly why: Held['kind']; readonly text: string };

/** What the integration workflow tells a task. `handoff` is the attempt that was handed off. */
export type LandingReply =
  | { readonly kind: 'landed'; readonly handoff: number; readonly landing: Landing }
  | { readonly kind: 'nothing-to-land'; readonly handoff: number }
  | { readonly kind: 'returned'; readonly handoff: number; readonly request: RevisionRequest }
  | { readonly kind: 'refused'; readonly handoff: number; readonly failure: Failure }
  | { readonly kind: 'held'; readonly handoff: number; readonly held: Held | null }
  | { readonly kind: 'withdrawn'; readonly handoff: number };

/** One line of `tasks queue`. */
export interface QueueRow {
  readonly position: number;
  readonly id: TaskId;
  readonly title: string;
  readonly state: 'queued' | 'building' | 'gating' | 'landing' | 'held';
  readonly base: ObjectId | null;
  readonly tree: ObjectId | null;
  readonly verdict: 'green' | 'red' | null;
  readonly waitingFor: string | null;
  /** ISO 8601. */
  readonly since: string;
}

export interface QueueView {
  readonly project: ProjectName;
  readonly branch: BranchName;
  readonly origin: string;
  readonly landed: number;
  readonly rows: readonly QueueRow[];
  /** Why nothing lands until somebody acts; null in the normal case. */
  readonly stopped: string | null;
}
