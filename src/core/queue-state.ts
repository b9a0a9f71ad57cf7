/** The queue's data. What may happen to it is in queue-exchange.ts, and what follows from what in queue.ts. */

import type { ObjectId, TaskId } from './ids.ts';
import type { Check } from './queue-check-types.ts';
import type { Candidate, GateVerdict, LandingReply, QueueItem } from './queue-types.ts';
import type { Held, Priority } from './task-types.ts';

/** One that waits in line. Its details are known near the front alone: the rest is with its task. */
export interface Waiting {
  readonly taskId: TaskId;
  readonly attempt: number;
  readonly priority: Priority;
  readonly placeMs: number;
  readonly parent: TaskId | null;
  /** How many of its parent's were in line when it came; below 0, and less each time, of one that was promoted. */
  readonly nth: number;
  /** `promoted` by a person: ahead of all that wait; `aged`: a class up; `turn`: it has its exclusive turn. */
  readonly lift: 'none' | 'aged' | 'promoted' | 'turn';
  /** Why its task was told that it is held; null when it was not. */
  readonly heldText: string | null;
  /** Whether it was green by itself; asked of those alone whose project says `verify`. */
  readonly verified: boolean;
  readonly item: QueueItem | null;
  /** Its task was asked for the details, and did not answer; left out: it was not, or has. */
  readonly silent?: true;
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

/** One that has begun, and can be asked after or given up. */
export interface BegunRun extends Run {
  readonly runId: string;
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
  /** A person's pause that came before: it lasts when this is over; left out: there is none, or an earlier version kept none. */
  readonly pause?: Halt;
}

export interface MainRun {
  readonly commit: ObjectId;
  /** Null until it has begun. */
  readonly begun: { readonly key: string; readonly runId: string } | null;
  readonly again: boolean;
  readonly sinceMs: number;
}

export interface RedMain {
  readonly text: string;
  /** The end of what its gate printed; left out: an earlier version kept none. */
  readonly logTail?: string;
  readonly sinceMs: number;
  readonly tries: number;
  readonly againMs: number;
}

/** A task's turn for itself. */
export interface Turn {
  readonly taskId: TaskId;
  readonly untilMs: number;
  /** Whether another, a hotfix, has landed in it: when the task goes back for that, it has its turn once more; left out: none has. */
  readonly overtaken?: true;
  /** What was left of it when nothing could land any more, in milliseconds: it goes on with that; left out: it runs. */
  readonly leftMs?: number;
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
  readonly dropped: readonly BegunRun[];
  /** Main's own gate run. */
  readonly mainRun: MainRun | null;
  /** Main is not gated before then: its last run could not be run to its end. */
  readonly mainAgainMs: number;
  readonly halt: Halt | null;
  /** Main itself is red: looked at again at `againMs` while anything waits for that, and whenever it moves. */
  readonly redMain: RedMain | null;
  readonly turn: Turn | null;
  /**
   * Whether it goes by the rules that came after 0.3.0: a turn is given only when nobody has one, its clock stands while nothing
   * lands, `resume` has a red main gated, and nobody who may not go on keeps a hotfix, or who has its turn, from going on
   * (docs/adr/0028-one-turn-at-a-time.md). Left out: an older version's queue; what its history has must follow again (N11), so it
   * changes with the next run of the workflow.
   */
  readonly oneTurn?: true;
  /**
   * Whether it goes by the rules that came after 0.5.0: one that was held while it landed is told that it goes on only when it does
   * and may have another title, tasks are told side by side, and so are the first in line that landing goes on, and what cannot go on
   * wakes nobody. Left out: as {@link Queue.oneTurn}.
   */
  readonly toldOnce?: true;
  /**
   * Whether it goes by the rules that came after 0.6.0: a red main that nothing waits for is not gated again by itself, a task that does
   * not answer keeps those behind it from nothing, and what is asked back while main is not what was tested does not land after that.
   * Left out: as {@link Queue.oneTurn}.
   */
  readonly redRests?: true;
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

/** As up to version 0.3.0; see {@link NEW_QUEUE}. */
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

/** The rules of this version: a queue that begins by it goes by them, and any other from its next run on. */
export const RULES = { oneTurn: true, toldOnce: true, redRests: true } as const;

export const NEW_QUEUE: Queue = { ...EMPTY_QUEUE, ...RULES };
