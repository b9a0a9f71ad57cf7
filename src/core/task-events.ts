/** What happens to a task, as the ledger keeps it and people read it. Data alone. */

import type { AskView, Decision, ItemDecision } from './ask-types.ts';
import type { Failure } from './failure.ts';
import type { ObjectId, TaskId } from './ids.ts';
import type {
  AttemptOutcome,
  Checkpoint,
  EndKind,
  Held,
  MainConflict,
  Phase,
  RevisionRequest,
  TaskType,
  Usage,
  WaitingKind,
  Work,
} from './task-types.ts';

/** One thing that happened to a task; (task, sequence) is its key in the ledger. */
export interface TaskEvent {
  readonly sequence: number;
  /** ISO 8601. */
  readonly at: string;
  readonly happened: Happened;
}

export type Happened =
  | { readonly kind: 'submitted'; readonly title: string; readonly work: Work['kind']; readonly type: TaskType }
  | { readonly kind: 'attempt-scheduled'; readonly phase: Phase; readonly attempt: number }
  | {
      readonly kind: 'attempt-ended';
      readonly phase: Phase;
      readonly attempt: number;
      readonly outcome: AttemptOutcome['kind'];
      readonly host: string | null;
      readonly usage: Usage | null;
      readonly summary: string | null;
      readonly failure: Failure | null;
      /** What people should know of how it ran; left out: nothing. */
      readonly notes?: readonly string[];
    }
  | { readonly kind: 'asked'; readonly ask: AskView }
  | { readonly kind: 'answered'; readonly version: number; readonly text: string; readonly actor: string }
  | {
      readonly kind: 'decided';
      readonly version: number;
      readonly decision: Decision;
      /** The edited text, the wanted changes, the reason or the comment; null without one. */
      readonly text: string | null;
      readonly items: readonly ItemDecision[];
      readonly actor: string;
    }
  /** `ask`: what is asked, as it stands; left out by the first version. */
  | { readonly kind: 'reminded'; readonly version: number; readonly count: number; readonly ask?: AskView }
  | { readonly kind: 'escalated'; readonly version: number; readonly to: string; readonly ask?: AskView }
  | { readonly kind: 'expired'; readonly version: number; readonly outcome: 'default' | 'give-up' }
  | { readonly kind: 'commented'; readonly text: string; readonly actor: string }
  | {
      readonly kind: 'edited';
      readonly title: string | null;
      readonly body: string | null;
      readonly actor: string;
      /** The ask that is put anew in the edited words, under another version. */
      readonly replaces?: number;
    }
  | { readonly kind: 'blocked'; readonly by: TaskId; readonly text: string }
  | { readonly kind: 'released'; readonly by: TaskId; readonly text: string; readonly actor: string }
  | { readonly kind: 'proposed-tasks-made'; readonly tasks: readonly TaskId[] }
  | { readonly kind: 'parked'; readonly why: WaitingKind; readonly text: string }
  /** `from`: the phase that was named. */
  | { readonly kind: 'retried'; readonly actor: string; readonly from?: Phase }
  | { readonly kind: 'refused'; readonly message: string; readonly reason: string; readonly actor: string }
  | { readonly kind: 'handed-off'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'held'; readonly held: Held | null }
  | { readonly kind: 'returned'; readonly request: RevisionRequest }
  /** With main as it is by now; null: no more. `waits`: while the task waited for people. */
  | { readonly kind: 'conflict-seen'; readonly conflict: MainConflict | null; readonly waits: boolean }
  | { readonly kind: 'cancel-requested' }
  | { readonly kind: 'landed'; readonly landing: Landing }
  | { readonly kind: 'ended'; readonly end: EndKind; readonly failure: Failure | null };

/** One landing, as the ledger keeps it and the commit's trailers say it. */
export interface Landing {
  readonly commit: ObjectId;
  readonly tree: ObjectId;
  /** The first parent. */
  readonly main: ObjectId;
  readonly attempt: number;
  readonly gateHash: string;
  /** Tests that it removes, by name; left out: none. */
  readonly removedTests?: readonly string[];
}
