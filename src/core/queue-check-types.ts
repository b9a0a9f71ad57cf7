/** One of the line that is verified before it may become a candidate. */

import type { Candidate, GateVerdict, QueueItem } from './queue-types.ts';
import type { Held } from './task-types.ts';

export type CheckStage =
  | { readonly kind: 'building'; readonly sinceMs: number }
  | { readonly kind: 'held'; readonly held: Held; readonly untilMs: number }
  /** On main as it was then; being gated, or waiting for a slot. */
  | { readonly kind: 'candidate'; readonly candidate: Candidate; readonly sinceMs: number }
  /** Red twice, and not blamed yet: main may be the reason. */
  | {
      readonly kind: 'red';
      readonly candidate: Candidate;
      readonly red: Extract<GateVerdict, { kind: 'red' }>;
      readonly sinceMs: number;
    };

export interface Check {
  readonly item: QueueItem;
  readonly stage: CheckStage;
  /** Whether main, as it was merged with, was known to be green. */
  readonly isOnGreen: boolean;
  /** Holds in a row, for the back-off. */
  readonly holds: number;
  /** Why its task was last told that it is held; null when it was not. */
  readonly heldText: string | null;
}
