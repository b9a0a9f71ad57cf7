/** What is written anew of the candidates that one gate run covers. */

import type { ObjectId, TaskId } from './ids.ts';
import type { Candidate, QueueItem } from './queue-types.ts';

/** A candidate whose commit is to be written anew, since the run that covers it, or what it stands on, is another. */
export interface Part {
  readonly item: QueueItem;
  readonly candidate: Candidate;
  /** What its trailer is to say; null: it is gated itself. */
  readonly cover: ObjectId | null;
}

export type SealAnswer =
  | {
      readonly kind: 'sealed';
      readonly parts: readonly {
        readonly taskId: TaskId;
        readonly attempt: number;
        readonly was: ObjectId;
        readonly commit: ObjectId;
        readonly main: ObjectId;
        readonly cover: ObjectId | null;
      }[];
    }
  | { readonly kind: 'failed'; readonly text: string };
