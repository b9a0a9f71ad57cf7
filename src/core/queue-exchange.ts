/** What a queue hears, and what it wants done: facts, commands, and what an operator says. */

import type { ObjectId, ProjectName, TaskId } from './ids.ts';
import type { Part, SealAnswer } from './queue-batch-types.ts';
import type { BegunRun, Queue } from './queue-state.ts';
import type { Below, BuildAnswer, Candidate, LandResult, MainSeen, QueueItem, RunState } from './queue-types.ts';

/** What an operator says. */
export type Control =
  | { readonly action: 'pause' | 'resume'; readonly actor: string }
  | { readonly action: 'promote' | 'remove'; readonly actor: string; readonly taskId: TaskId };

export interface LookAnswer {
  /** The main that was known when the look began. */
  readonly known: ObjectId | null;
  readonly main: MainSeen | null;
  readonly runs: readonly { readonly key: string; readonly state: RunState }[];
  /** The turn's task has something else to wait for, or has ended. */
  readonly turnOver: TaskId | null;
  readonly slots: number | null;
}

export type QueueFact =
  | { readonly kind: 'handed-off'; readonly item: QueueItem }
  | { readonly kind: 'withdraw'; readonly taskId: TaskId; readonly handoff: number }
  | {
      readonly kind: 'built';
      readonly taskId: TaskId;
      readonly attempt: number;
      /** What was built has this title; left out: the one that the item has. */
      readonly title?: string;
      /** Null: main, as it was then. */
      readonly parent: ObjectId | null;
      /** The main that was known when it began. */
      readonly known: ObjectId | null;
      readonly answer: BuildAnswer;
    }
  | { readonly kind: 'gate'; readonly key: string; readonly state: RunState }
  | { readonly kind: 'main-gate'; readonly commit: ObjectId; readonly key: string; readonly state: RunState }
  | { readonly kind: 'pushed'; readonly taskId: TaskId; readonly attempt: number; readonly result: LandResult }
  | { readonly kind: 'dropped'; readonly key: string }
  | {
      readonly kind: 'sealed';
      /** The first whose commit was to be written anew, which waits when that could not be done. */
      readonly first: Wanted;
      readonly answer: SealAnswer;
    }
  | {
      readonly kind: 'details';
      readonly asked: readonly Wanted[];
      readonly items: readonly QueueItem[];
      /** False when some could not be asked now. */
      readonly isWhole: boolean;
      /** Those that could not; left out: none. */
      readonly silent?: readonly Wanted[];
    }
  | { readonly kind: 'looked'; readonly look: LookAnswer }
  | { readonly kind: 'control'; readonly control: Control }
  | { readonly kind: 'told'; readonly count: number };

export interface Wanted {
  readonly taskId: TaskId;
  readonly attempt: number;
}

/** What is to be done; two of one key are the same. */
export type QueueCommand =
  | {
      readonly kind: 'build';
      readonly key: string;
      readonly item: QueueItem;
      readonly parent: ObjectId | null;
      readonly known: ObjectId | null;
      /** Whether the candidate's gate run is to be begun at once, when its tree is not known as green. */
      readonly gate: boolean;
      readonly below: readonly Below[];
    }
  | {
      readonly kind: 'gate';
      readonly key: string;
      readonly item: QueueItem;
      readonly candidate: Candidate;
      readonly below: readonly Below[];
    }
  /** `again`: also when its tree was seen green before. */
  | { readonly kind: 'gate-main'; readonly key: string; readonly commit: ObjectId; readonly again: boolean }
  | {
      readonly kind: 'land';
      readonly key: string;
      readonly item: QueueItem;
      readonly candidate: Candidate;
      /** Those of its batch that are below it, and land in the same push: nearest main first. */
      readonly under: readonly { readonly item: QueueItem; readonly candidate: Candidate }[];
    }
  /** `parts` in the order of the chain, each after what it stands on; `below`: what the first of them stands on. */
  | {
      readonly kind: 'seal';
      readonly key: string;
      readonly parts: readonly [Part, ...Part[]];
      readonly below: readonly Below[];
    }
  | { readonly kind: 'drop'; readonly key: string; readonly run: BegunRun }
  | { readonly kind: 'details'; readonly key: string; readonly wanted: readonly Wanted[] }
  | {
      readonly kind: 'look';
      readonly key: string;
      readonly known: ObjectId | null;
      readonly runs: readonly BegunRun[];
      readonly turn: TaskId | null;
      /** What the gate of the first candidate requires; null: there is none. */
      readonly requires: readonly string[] | null;
    };

export interface QueueClock {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
  /** Whose queue it is, for the commands that people are told; left out: they are told without it. */
  readonly project?: ProjectName;
}

export interface Reconciled {
  readonly queue: Queue;
  /** All that is to be under way now: what is already is not begun again. */
  readonly commands: readonly QueueCommand[];
  /** When to reconcile again though nothing happens; null: not by itself. */
  readonly wakeAtMs: number | null;
}
