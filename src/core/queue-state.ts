/** The state of the queue's life, and what may happen to it: data alone. What follows from what is in queue.ts. */

import type { ObjectId, TaskId } from './ids.ts';
import type { BuildResult, Candidate, GateVerdict, LandingReply, LandResult, QueueItem } from './queue-types.ts';
import type { Held } from './task-types.ts';

export type QueueStep =
  | { readonly kind: 'idle' }
  | { readonly kind: 'building'; readonly sinceMs: number }
  | { readonly kind: 'gating'; readonly candidate: Candidate; readonly run: number; readonly sinceMs: number }
  | { readonly kind: 'landing'; readonly candidate: Candidate; readonly sinceMs: number }
  | { readonly kind: 'holding'; readonly held: Held; readonly tries: number; readonly untilMs: number }
  | { readonly kind: 'stopped'; readonly text: string; readonly sinceMs: number };

export interface AddressedReply {
  readonly taskId: TaskId;
  readonly reply: LandingReply;
}

/** How a hand-off was answered, for one that comes again. */
export interface Answered extends AddressedReply {
  /** What was handed off; null when it was asked back before it came. */
  readonly head: ObjectId | null;
}

/**
 * Whether the present item may be on main already: `none`: no; `pushed`: a push ended without an answer, and only git
 * can tell; `withdraw`: a push is under way or ended so, and the task has asked for its hand-off back meanwhile.
 */
export type Doubt = 'none' | 'pushed' | 'withdraw';

export interface Queue {
  /** The first one is the one that the step is about. */
  readonly items: readonly QueueItem[];
  readonly step: QueueStep;
  readonly doubt: Doubt;
  /** What the workflow still has to tell tasks. */
  readonly replies: readonly AddressedReply[];
  /** The last hand-offs that were answered, newest last. */
  readonly answered: readonly Answered[];
  /** Holds in a row of the present item, for the back-off. */
  readonly holds: number;
  /** Why the present item's task was last told that it is held; null when it was not, or was told that it goes on. */
  readonly heldText: string | null;
  /** Trees seen green lately, as `<tree>/<gate hash>`, newest last: the ledger's memory when the ledger is down. */
  readonly green: readonly string[];
  readonly landed: number;
}

export type QueueEvent =
  | { readonly kind: 'enqueued'; readonly item: QueueItem }
  | { readonly kind: 'withdraw'; readonly taskId: TaskId; readonly handoff: number }
  | { readonly kind: 'built'; readonly result: BuildResult }
  | { readonly kind: 'gated'; readonly verdict: GateVerdict }
  | { readonly kind: 'pushed'; readonly result: LandResult }
  | { readonly kind: 'due' }
  | { readonly kind: 'told'; readonly count: number };

export interface QueueClock {
  readonly nowMs: number;
  /** In [0, 1). */
  readonly random: number;
}

export const EMPTY_QUEUE: Queue = {
  items: [],
  step: { kind: 'idle' },
  doubt: 'none',
  replies: [],
  answered: [],
  holds: 0,
  heldText: null,
  green: [],
  landed: 0,
};
