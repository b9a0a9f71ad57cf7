/** The state of a task's life, and what may happen to it: data alone. What follows from what is in task.ts. */

import type { Failure } from './failure.ts';
import type {
  AttemptOutcome,
  Checkpoint,
  EndKind,
  Exchange,
  Held,
  Landing,
  Phase,
  RevisionRequest,
  TaskEvent,
  TaskSpec,
  Usage,
} from './task-types.ts';

export interface Ask {
  readonly kind: 'question' | 'proposal';
  /** Counts the asks of a task, from 1. */
  readonly version: number;
  readonly text: string;
}

export type ParkedWhy = 'attempts' | 'revisions';

export type Stage =
  | { readonly kind: 'phase'; readonly phase: Phase; readonly attempt: number }
  | { readonly kind: 'backoff'; readonly phase: Phase; readonly untilMs: number; readonly failure: Failure }
  | { readonly kind: 'asking'; readonly phase: Phase; readonly ask: Ask }
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
  | { readonly kind: 'answer'; readonly text: string; readonly actor: string }
  | { readonly kind: 'retry'; readonly actor: string }
  | { readonly kind: 'cancel' }
  | { readonly kind: 'landed'; readonly landing: Landing }
  | { readonly kind: 'nothing-to-land' }
  | { readonly kind: 'returned'; readonly request: RevisionRequest }
  | { readonly kind: 'refused'; readonly failure: Failure }
  | { readonly kind: 'held'; readonly held: Held | null }
  | { readonly kind: 'withdrawn' };

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
  readonly checkpoint: Checkpoint | null;
  readonly session: string | null;
  readonly summary: string | null;
  readonly asks: number;
  readonly exchanges: readonly Exchange[];
  readonly request: RevisionRequest | null;
  /** The failure that the next attempt is told about. */
  readonly lastFailure: Failure | null;
  readonly usage: Usage;
  readonly endedAtMs: number | null;
  readonly sequence: number;
  /** Events that the ledger has not confirmed, oldest first. */
  readonly unrecorded: readonly TaskEvent[];
}

/** The clock, the dice and the submission: what a decision may depend on beside the task. */
export interface Surroundings {
  readonly spec: TaskSpec;
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
}

/** The phase that a task is in, or would go on with; null while it lands or has landed. */
export function phaseOf(task: Task): Phase | null {
  return 'phase' in task.stage ? task.stage.phase : null;
}
