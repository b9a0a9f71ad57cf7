/** The queue's data, and what may happen to it. What follows from what is in queue.ts. */

import type { ObjectId, TaskId } from './ids.ts';
import type { Part, SealAnswer } from './queue-batch-types.ts';
import type { Check } from './queue-check-types.ts';
import type {
  Below,
  BuildAnswer,
  Candidate,
  GateVerdict,
  LandingReply,
  LandResult,
  MainSeen,
  QueueItem,
  RunState,
} from './queue-types.ts';
import type { Held, Priority } from './task-types.ts';

/** One that waits in line. Its details are known near the front alone: the rest is with its task. */
export interface Waiting {
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly priority: Priority;
  readonly placeMs: number;
  readonly parent: TaskId | null;
  /** How many of its parent's were in line when it came. */
  readonly nth: number;
  /** `promoted` by a person: ahead of all that wait; `aged`: a class up; `turn`: it has its exclusive turn. */
  readonly lift: 'none' | 'aged' | 'promoted' | 'turn';
  /** Why its task was told that it is held; null when it was not. */
  readonly heldText: string | null;
  /** Whether it was green by itself; asked of those alone whose project says `verify`. */
  readonly verified: boolean;
  readonly item: QueueItem | null;
}

export type Red = Extract<GateVerdict, { kind: 'red' }>;

export type EntryStage =
  | { readonly kind: 'building'; readonly sinceMs: number }
  | { readonly kind: 'held'; readonly held: Held; readonly untilMs: number }
  /** Conflicts with a candidate ahead: it was tried on `parent` and when main was `main`. */
  | { readonly kind: 'behind'; readonly parent: ObjectId; readonly main: ObjectId; readonly sinceMs: number }
  /** Being gated, or green, as `runs` and `green` of the queue say. */
  | { readonly kind: 'candidate'; readonly candidate: Candidate; readonly sinceMs: number }
  /** Red twice, and not blamed yet: those ahead, or main, may be the reason. */
  | { readonly kind: 'red'; readonly candidate: Candidate; readonly red: Red; readonly sinceMs: number }
  | { readonly kind: 'landing'; readonly candidate: Candidate; readonly sinceMs: number };

/**
 * Whether the first entry may be on main already: `none`: no; `pushed`: a push ended without an answer, and only git
 * can tell; `withdraw`: a push is under way or ended so, and the task has asked for its hand-off back meanwhile.
 */
export type Doubt = 'none' | 'pushed' | 'withdraw';

/** One of the chain: a candidate, or on its way to be one. */
export interface Entry {
  readonly item: QueueItem;
  readonly waited: Omit<Waiting, 'item' | 'heldText'>;
  readonly stage: EntryStage;
  readonly doubt: Doubt;
  /** The title that its candidate has, which is another than the item's once that was edited; left out: the item's. */
  readonly builtAs?: string;
  /** Holds in a row, for the back-off. */
  readonly holds: number;
  /** Why its task was last told that it is held; null when it was not, or was told that it goes on. */
  readonly heldText: string | null;
  /** Whether a candidate of it was green before: what is red later is a conflict of meaning. */
  readonly wasGreen: boolean;
}

/** A gate run that was asked for. */
export interface Run {
  /** `<tree>/<gate hash>` */
  readonly key: string;
  /** `suspect`: its first run was red, and the tree is run once more. */
  readonly state: 'starting' | 'running' | 'suspect';
  /** Null until it has begun. */
  readonly runId: string | null;
  readonly sinceMs: number;
}

/** Main as last seen, and what is known of it. */
export interface KnownMain {
  readonly commit: ObjectId;
  /** `unknown`: nobody has gated it; `green`: it was before it landed; `confirmed`: and again since. */
  readonly standing: 'unknown' | 'green' | 'confirmed' | 'red';
  /** Somebody else moved it here: it is gated as soon as a slot is free. */
  readonly foreign: boolean;
}

/** Nothing is done until a person says so. */
export interface Halt {
  readonly kind: 'person' | 'rewritten' | 'mismatch' | 'protected';
  readonly text: string;
  readonly sinceMs: number;
}

export interface MainRun {
  readonly commit: ObjectId;
  readonly key: string | null;
  readonly runId: string | null;
  readonly again: boolean;
  readonly sinceMs: number;
}

export interface RedMain {
  readonly text: string;
  readonly sinceMs: number;
  readonly tries: number;
  readonly againMs: number;
}

export interface AddressedReply {
  readonly taskId: TaskId;
  readonly reply: LandingReply;
}

/** How a hand-off was answered, for one that comes again. */
export interface Answered extends AddressedReply {
  /** What was handed off; null when it was asked back before it came. */
  readonly head: ObjectId | null;
}

export interface Queue {
  /** The chain: each candidate stands on the nearest one ahead that is not failing, the first on main. */
  readonly chain: readonly Entry[];
  /** Who waits, in the order in which they will be taken. */
  readonly line: readonly Waiting[];
  readonly main: KnownMain | null;
  readonly runs: readonly Run[];
  /** Runs that nobody wants any more, until they are known to be told. */
  readonly dropped: readonly Run[];
  /** Main's own gate run: `key` is null until it has begun. */
  readonly mainRun: MainRun | null;
  /** Main is not gated before then: its last run could not be run to its end. */
  readonly mainAgainMs: number;
  readonly halt: Halt | null;
  /** Main itself is red: looked at again at `againMs`, and whenever it moves. */
  readonly redMain: RedMain | null;
  readonly turn: { readonly taskId: TaskId; readonly untilMs: number } | null;
  readonly slots: number;
  readonly window: number | null;
  /** Whether the project lets several land behind one gate run. */
  readonly batch: boolean;
  /** Whether each is gated by itself before it may become a candidate. */
  readonly verify: boolean;
  readonly checks: readonly Check[];
  /** What became of the last tasks that were gated, newest last: `0` landed, `1` was red. */
  readonly outcomes: string;
  /** Hand-offs, as `<task>/<attempt>`, that were red together: one of them at least is. */
  readonly suspects: readonly string[];
  /** What the workflow still has to tell tasks. */
  readonly replies: readonly AddressedReply[];
  /** The last hand-offs that were answered, newest last. */
  readonly answered: readonly Answered[];
  /** Trees seen green lately, as `<tree>/<gate hash>`, newest last: the ledger's memory when the ledger is down. */
  readonly green: readonly string[];
  /** By what the last one that was sent back was red, while nothing was green since. */
  readonly lastRed: string | null;
  readonly landed: number;
  readonly flakes: number;
  readonly lastLandedMs: number | null;
  /** How long the last landed waited, and the last gate runs took, in milliseconds, newest last. */
  readonly waits: readonly number[];
  readonly runTimes: readonly number[];
  /** When those in flight are asked after next; null while there is nothing to ask. */
  readonly lookMs: number | null;
}

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
  | { readonly kind: 'drop'; readonly key: string; readonly run: Run }
  | { readonly kind: 'details'; readonly key: string; readonly wanted: readonly Wanted[] }
  | {
      readonly kind: 'look';
      readonly key: string;
      readonly known: ObjectId | null;
      readonly runs: readonly Run[];
      readonly turn: TaskId | null;
    };

export interface QueueClock {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
}

export interface Reconciled {
  readonly queue: Queue;
  /** All that is to be under way now: what is already is not begun again. */
  readonly commands: readonly QueueCommand[];
  /** When to reconcile again though nothing happens; null: not by itself. */
  readonly wakeAtMs: number | null;
}

export const EMPTY_QUEUE: Queue = {
  chain: [],
  line: [],
  main: null,
  runs: [],
  dropped: [],
  mainRun: null,
  mainAgainMs: 0,
  halt: null,
  redMain: null,
  turn: null,
  slots: 1,
  window: null,
  batch: false,
  verify: false,
  checks: [],
  outcomes: '',
  suspects: [],
  replies: [],
  answered: [],
  green: [],
  lastRed: null,
  landed: 0,
  flakes: 0,
  lastLandedMs: null,
  waits: [],
  runTimes: [],
  lookMs: null,
};
