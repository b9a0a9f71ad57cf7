/** The data of the integration workflow: what waits for landing and what is known about it. */

import type { Failure } from './failure.ts';
import type { BranchName, ObjectId, ProjectName, TaskId } from './ids.ts';
import type { GateDefinition } from './project.ts';
import type { Held, Person, Priority, RevisionRequest } from './task-types.ts';
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
  readonly priority: Priority;
  /** When the task was first handed off: its place in line, which it keeps when it comes back. */
  readonly placeMs: number;
  /** How often it was sent back so far, and after how many times it gets its exclusive turn. */
  readonly returns: number;
  readonly mayReturn: number;
  /** How long landing holds for its exclusive turn; 0: it gets none. */
  readonly turnMs: number;
  /** The task that it came from: those of one parent take turns with others'. */
  readonly parent: TaskId | null;
  /** By name; left out: none. */
  readonly removedTests?: readonly string[];
  /** The first run of the task's workflow: of one that was begun anew since, nobody wants this any more. Left out by an older version. */
  readonly firstRun?: string;
}

/** A commit that would become main's next. */
export interface Candidate {
  readonly commit: ObjectId;
  readonly tree: ObjectId;
  /** Its first parent: main, or the candidate ahead that it stands on. */
  readonly main: ObjectId;
  readonly gate: GateDefinition;
  /** The tree whose gate run covers it, as its trailer says, when that is one of a batch and may not be its own. */
  readonly cover?: ObjectId;
}

/** What a candidate ahead was made of, so that a host that lacks it makes the same one. */
export interface Below {
  readonly item: QueueItem;
  readonly commit: ObjectId;
  readonly tree: ObjectId;
  readonly main: ObjectId;
  readonly gateHash: string;
  readonly cover?: ObjectId;
}

/** Main as somebody who looked has found it. */
export interface MainSeen {
  readonly commit: ObjectId;
  /** Of the main that was known before: `first` when none was. */
  readonly since: 'first' | 'same' | 'ahead' | 'rewritten';
  /** Landings of ours that a rewritten main no longer has, one line each. */
  readonly vanished: readonly string[];
}

/** Whether a gate run is on its way, over, or could not be found. */
export type RunState =
  | { readonly kind: 'running'; readonly runId: string; readonly suspect: boolean }
  | { readonly kind: 'ended'; readonly verdict: GateVerdict };

export type BuildResult =
  | { readonly kind: 'candidate'; readonly candidate: Candidate; readonly knownGreen: boolean }
  /** The task's commit is on main already (a crash after the push, before the answer). */
  | { readonly kind: 'landed'; readonly landing: Landing }
  /** Merged with main it changes nothing. */
  | { readonly kind: 'nothing-to-land' }
  /** It conflicts with main itself. */
  | { readonly kind: 'conflict'; readonly request: RevisionRequest }
  /** It goes together with main, but not with a candidate ahead: it waits until that one is decided. */
  | { readonly kind: 'behind' }
  | { readonly kind: 'refused'; readonly failure: Failure }
  /** The task's workflow is closed, and its commit is not on main: nobody wants it there any more. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'held'; readonly why: Held['kind']; readonly text: string };

/** What came of building, and what was seen on the way. */
export interface BuildAnswer {
  readonly result: BuildResult;
  /** Null when main was not looked at, or could not be. */
  readonly main: MainSeen | null;
  /** The gate run that was begun for the candidate at once; null when none was. */
  readonly run: RunState | null;
  /** Gate slots of all workers; null when nobody could tell. */
  readonly slots: number | null;
  /** The project's own limit of candidates; null without one. */
  readonly window: number | null;
  /** Whether the project lets several land behind one run; left out where its tasks.yaml was not read. */
  readonly batch?: boolean;
  /** Whether each is to be gated, merged with main alone, before it may become a candidate; left out as `batch` is. */
  readonly verify?: boolean;
}

export type GateVerdict =
  | {
      readonly kind: 'green';
      /** What the first run said, when only a second one on the same tree was green. */
      readonly flake?: string;
    }
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
  /** `under`: those of the same push that are below it, nearest main first. */
  | { readonly kind: 'landed'; readonly landing: Landing; readonly under?: readonly Landing[] }
  /** Main is no longer the candidate's first parent, or the task's workflow is closed: build again, which says more. */
  | { readonly kind: 'moved' }
  /** Main's tree is not the tested one. The queue stops. */
  | { readonly kind: 'mismatch'; readonly text: string }
  /** The origin lets nobody move the branch in this way, whatever the candidate is; main is where it was. The queue stops. */
  | { readonly kind: 'protected'; readonly text: string }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'held'; readonly why: Held['kind']; readonly text: string };

/** What the integration workflow tells a task. `handoff` is the attempt that was handed off. */
export type LandingReply =
  | { readonly kind: 'landed'; readonly handoff: number; readonly landing: Landing }
  | { readonly kind: 'nothing-to-land'; readonly handoff: number }
  | {
      readonly kind: 'returned';
      readonly handoff: number;
      readonly request: RevisionRequest;
      /** Until when landing holds for the task's exclusive turn; null when it gets none. */
      readonly turnUntilMs: number | null;
    }
  | { readonly kind: 'refused'; readonly handoff: number; readonly failure: Failure }
  | { readonly kind: 'held'; readonly handoff: number; readonly held: Held | null }
  | { readonly kind: 'withdrawn'; readonly handoff: number };

/** One line of `tasks queue`. */
export interface QueueRow {
  readonly position: number;
  readonly id: TaskId;
  /** Null of one that still waits: its task and the ledger know. */
  readonly title: string | null;
  readonly priority: Priority;
  /**
   * `queued`: in line; `verifying`: in line, and merged with main and gated before it may leave it; `building`, `gating`, `landing`; `green`: waits for those ahead; `failing`: red, and run once
   * more or judged; `held`: see `waitingFor`.
   */
  readonly state: 'queued' | 'verifying' | 'building' | 'gating' | 'green' | 'failing' | 'landing' | 'held';
  readonly base: ObjectId | null;
  readonly tree: ObjectId | null;
  readonly verdict: 'green' | 'red' | null;
  readonly waitingFor: string | null;
  /** ISO 8601. */
  readonly since: string;
  /** The gate run that is on its way for it, `<tree>/<gate hash>`; left out: none is, or an older worker tells. */
  readonly run?: string;
  /** About when it lands if all goes well, ISO 8601; null when nothing is known to go by. */
  readonly estimate: string | null;
}

export interface QueueView {
  readonly project: ProjectName;
  readonly branch: BranchName;
  readonly origin: string;
  readonly landed: number;
  /** How many candidates may be gated side by side. */
  readonly window: number;
  readonly flakes: number;
  readonly rows: readonly QueueRow[];
  /** How many more wait than there are rows. */
  readonly more: number;
  /** Why nothing lands for now; null in the normal case. */
  readonly stopped: string | null;
  /** Since when, ISO 8601; null: it has not stopped. Left out by an older worker. */
  readonly stoppedSince?: string | null;
  /** The end of what main's own gate printed, while main is red; else null. */
  readonly evidence: string | null;
  /**
   * When main is gated again by itself, while it is red, no run of it is under way and anything waits; else null. Left out while main is
   * red and nothing is gated, as in a pause, and by an older worker.
   */
  readonly againAt?: string | null;
  /** Main is red, and nothing waits for it: it is gated again when anything does, when it moves, or when a person says so; else left out. */
  readonly atRest?: true;
  /** What somebody should look at, one line each. */
  readonly alarms: readonly string[];
}
