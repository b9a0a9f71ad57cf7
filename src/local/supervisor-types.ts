/** What the supervisor of a stack is asked for, what it says, and how it ends. */

import type { LocalFailure, Progress } from './report.ts';
import type { StoppedPart } from './stack.ts';
import type { PartName, StackRecord } from './stack-record.ts';
import type { Backoff } from './supervised-part.ts';
import type { SearchAttributes } from './temporal-namespace.ts';

export type TemporalWish =
  | { readonly kind: 'external'; readonly address: string; readonly namespace: string }
  | {
      readonly kind: 'embedded';
      readonly binary: string;
      readonly namespace: string;
      readonly preferredPort: number | null;
      readonly preferredUiPort: number | null;
      readonly searchAttributes: SearchAttributes;
      /** Where the Web UI has what is encrypted decrypted; nowhere when left out or null. */
      readonly codecEndpoint?: string | null;
    };

export type PostgresWish =
  | { readonly kind: 'external'; readonly url: string }
  | { readonly kind: 'embedded'; readonly preferredPort: number | null };

export interface WorkerWish {
  /** The worker's program and arguments, made once both servers run. */
  readonly command: (stack: {
    readonly temporalAddress: string;
    readonly namespace: string;
    readonly postgresUrl: string;
  }) => {
    readonly argv: readonly [string, ...string[]];
    readonly cwd: string;
    readonly env: Readonly<Record<string, string>>;
  };
  readonly graceMs?: number;
}

interface StackParts {
  readonly temporal: TemporalWish;
  readonly postgres: PostgresWish;
  /** Null: none. */
  readonly worker: WorkerWish | null;
}

/** What happens, for the CLI's view. */
export type StackEvent =
  | Progress
  | { readonly kind: 'cleared'; readonly parts: readonly StoppedPart[] }
  | { readonly kind: 'starting'; readonly part: PartName }
  | { readonly kind: 'running'; readonly part: PartName; readonly pid: number | null; readonly afterMs: number }
  | { readonly kind: 'failed'; readonly part: PartName; readonly failure: LocalFailure }
  | { readonly kind: 'died'; readonly part: PartName; readonly how: string }
  | { readonly kind: 'restarting'; readonly part: PartName; readonly inMs: number; readonly restarts: number }
  | { readonly kind: 'ready'; readonly stack: StackRecord; readonly afterMs: number }
  | { readonly kind: 'stopping'; readonly part: PartName }
  | { readonly kind: 'stopped'; readonly part: PartName };

export interface SuperviseRequest {
  readonly home: string;
  readonly parts: StackParts;
  readonly report: (event: StackEvent) => void;
  /** Stops everything. */
  readonly signal: AbortSignal;
  /** Tributary's own version. */
  readonly program?: string;
  /** The build of it that lies on the disk at this moment; null where nothing was built. */
  readonly build?: () => string | null;
  readonly backoff?: Backoff;
  /** How often it looks whether the home is still its own, and whether a log has grown too long. */
  readonly lookEveryMs?: number;
  /** False: for throw-away homes, faster and not safe from a power cut. */
  readonly durable?: boolean;
}

export type SuperviseResult =
  | { readonly kind: 'stopped' }
  /** A part could not be started at first, or another supervisor has this home. Nothing is left running. */
  | { readonly kind: 'failed'; readonly failure: LocalFailure };
