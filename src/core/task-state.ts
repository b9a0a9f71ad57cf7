/** The state of a task's life, and what may happen to it: data alone. What follows from what is in task.ts. */

import type { Ask, Continuation, ItemDecision, Settled } from './ask-types.ts';
import type { Failure } from './failure.ts';
import type { ObjectId, TaskId } from './ids.ts';
import type { Landing, TaskEvent } from './task-events.ts';
import type {
  AttemptOutcome,
  Checkpoint,
  EndKind,
  Exchange,
  LeftOut,
  Held,
  MainConflict,
  NewTask,
  Phase,
  RevisionRequest,
  TaskSpec,
  Usage,
} from './task-types.ts';

export type ParkedWhy = 'attempts' | 'revisions';

export type Stage =
  | { readonly kind: 'phase'; readonly phase: Phase; readonly attempt: number }
  | { readonly kind: 'backoff'; readonly phase: Phase; readonly untilMs: number; readonly failure: Failure }
  /** Never without an ask. Several are questions of one attempt. */
  | { readonly kind: 'asking'; readonly phase: Phase; readonly asks: readonly Ask[] }
  | { readonly kind: 'blocked'; readonly phase: Phase; readonly leadsTo: Continuation }
  | { readonly kind: 'parked'; readonly phase: Phase; readonly why: ParkedWhy; readonly failure: Failure }
  | { readonly kind: 'landing'; readonly checkpoint: Checkpoint; readonly held: Held | null }
  | { readonly kind: 'withdrawing'; readonly checkpoint: Checkpoint; readonly held: Held | null }
  | {
      readonly kind: 'ended';
      readonly end: EndKind;
      readonly phase: Phase | null;
      readonly failure: Failure | null;
      readonly landing: Landing | null;
    };

export type TaskInputEvent =
  | { readonly kind: 'attempt-ended'; readonly attempt: number; readonly outcome: AttemptOutcome }
  | { readonly kind: 'due' }
  | PersonEvent
  | { readonly kind: 'block'; readonly by: TaskId; readonly text: string }
  | {
      readonly kind: 'release';
      readonly by: TaskId;
      readonly text: string;
      readonly actor: string;
      /** What was asked, where it was answered; left out: nobody answered, or an older version tells. */
      readonly question?: string;
    }
  | { readonly kind: 'conflict'; readonly head: ObjectId; readonly conflict: MainConflict | null }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'landed'; readonly landing: Landing }
  | { readonly kind: 'nothing-to-land' }
  | { readonly kind: 'returned'; readonly request: RevisionRequest; readonly turnUntilMs?: number | null }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'held'; readonly held: Held | null }
  | { readonly kind: 'withdrawn' };

/** What people send, judged to count (replies.ts). */
export type PersonEvent =
  | { readonly kind: 'answer'; readonly version: number; readonly text: string; readonly actor: string }
  | {
      readonly kind: 'approve';
      readonly version: number;
      /** The edited text; null: as it was proposed. */
      readonly text: string | null;
      /** One for each item of a proposal of further tasks. */
      readonly items: readonly ItemDecision[];
      /** An id for each item, should it become a task. */
      readonly ids: readonly TaskId[];
      readonly actor: string;
    }
  | { readonly kind: 'revise'; readonly version: number; readonly text: string; readonly actor: string }
  | { readonly kind: 'reject'; readonly version: number; readonly text: string; readonly actor: string }
  | { readonly kind: 'comment'; readonly text: string; readonly actor: string }
  | { readonly kind: 'edit'; readonly title: string | null; readonly body: string | null; readonly actor: string }
  /** `from`: an earlier phase than the one that it waits in. */
  | { readonly kind: 'retry'; readonly actor: string; readonly from?: Phase };

/** Documents that a person has approved with edits: they replace what the agent left. */
export interface Documents {
  readonly understanding: string | null;
  readonly plan: string | null;
}

export interface Refusal {
  readonly message: string;
  readonly reason: string;
  readonly actor: string;
  readonly atMs: number;
}

export interface Task {
  readonly stage: Stage;
  /** When the stage began. */
  readonly sinceMs: number;
  /** The last attempt's number; every attempt of every phase counts. */
  readonly attempt: number;
  /** Tries of the present phase that were spent. */
  readonly tries: number;
  readonly lostInARow: number;
  readonly revisions: number;
  /** How often in a row it came back to have files made anew, which are no revisions; and whether it is its turn for itself. */
  readonly regenerations?: { readonly inARow: number; readonly isTurn: boolean };
  /** When it was first handed off, in milliseconds since the epoch: its place in line, also when it comes back. */
  readonly placeMs: number | null;
  readonly checkpoint: Checkpoint | null;
  readonly session: string | null;
  readonly summary: string | null;
  /** Questions and proposals so far. */
  readonly asks: number;
  /** What became of the latest of them. */
  readonly settled: readonly Settled[];
  /** The latest messages that were refused: the sender of a signal hears of it nowhere else. */
  readonly refused: readonly Refusal[];
  readonly exchanges: readonly Exchange[];
  /** How many older ones had no room; left out: none. */
  readonly leftOut?: LeftOut;
  readonly documents: Documents;
  /** What people changed of the submission. */
  readonly edited: { readonly title: string; readonly body: string } | null;
  /** Questions, tasks of their own, whose answers it waits for before it goes on. */
  readonly blockers: readonly { readonly by: TaskId; readonly text: string }[];
  /** Tasks that are still to be made of what was proposed and accepted. */
  readonly toMake: readonly NewTask[];
  /** Effects and messages that were approved because the project asks nobody, and default answers that were taken. */
  readonly unasked: number;
  readonly request: RevisionRequest | null;
  /** Told of its stored work, for the next prompt; landing finds out for itself. */
  readonly conflict: MainConflict | null;
  /** The failure that the next attempt is told about. */
  readonly lastFailure: Failure | null;
  readonly usage: Usage;
  readonly endedAtMs: number | null;
  readonly sequence: number;
  /** Events that the ledger has not confirmed, oldest first. */
  readonly unrecorded: readonly TaskEvent[];
  /** The protected change that a person has approved; left out: none. */
  readonly cleared?: string;
  /** The task queue that the next phase is offered to first; left out: none. */
  readonly near?: string;
  /** Its workflow was set back (a Temporal Reset), or ended from outside and begun anew: it may have landed, and used its numbers, before. */
  readonly reset?: true;
  /** Attempts since the last checkpoint, from the first one whose end nobody has heard of; left out: none. */
  readonly lost?: readonly number[];
}

/** The clock, the dice and the submission: what a decision may depend on beside the task. */
export interface Surroundings {
  readonly spec: TaskSpec;
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
  /** Failures are judged as version 0.2.0 did, by whose worker this history was written (N11). */
  readonly olderRules?: true;
}

/** The phase that a task is in, or would go on with; null while it lands or has landed. */
export function phaseOf(task: Task): Phase | null {
  return 'phase' in task.stage ? task.stage.phase : null;
}
