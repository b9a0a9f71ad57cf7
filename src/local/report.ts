/** What the local room says while it works, and how it fails. Values only: the CLI makes text of them. */

/** Why a part of the stack cannot be had. */
export interface LocalFailure {
  readonly kind:
    | 'no-temporal'
    | 'temporal-failed'
    | 'no-postgres'
    | 'postgres-failed'
    | 'worker-failed'
    | 'stack-running'
    | 'stack-lost'
    | 'no-space'
    | 'engine-error';
  /** One line: what happened, naming the thing. */
  readonly message: string;
  /** One line: what the reader can do. */
  readonly next: string;
  /** What was tried, or the end of a log: at most some 4,000 characters. */
  readonly evidence?: string;
}

/** Slow work: a line that stands until the next one. `done` and `total` are bytes where both are given. */
export interface Progress {
  readonly kind: 'progress';
  readonly text: string;
  readonly done?: number;
  readonly total?: number;
  /** It explains what follows, and is to be seen beside it. */
  readonly lasting?: true;
}

export type ReportProgress = (progress: Progress) => void;
