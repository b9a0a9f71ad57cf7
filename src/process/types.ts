/** What the process room takes and gives. */

import type { RefusedPlace } from '../core/control-group.ts';
import type { Secret } from '../core/secrets.ts';
import type { Exceeded, RunLimits } from './limits.ts';
import type { Sandbox } from './sandbox.ts';

export type { RunLimits } from './limits.ts';
export type { Mount, Placed, Sandbox } from './sandbox.ts';

export interface SpawnRequest {
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** The whole environment of the process: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  /** Names the attempt; carried in the environment as TASKS_TAG, by which leftovers are found. */
  readonly tag: string;
  /** Standard output and standard error go to this file, both, in the order of their arrival, up to the cap. */
  readonly outputFile: string;
  readonly maxOutputBytes: number;
  /** Each whole line of standard output, decoded with replacement characters, cut at 1 MiB; null when nobody reads them. */
  readonly onLine: ((line: string) => void) | null;
  /** No output for this long ends it, unless something of it works: a tenth of a core, all of it together. */
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  /** Never shown of what it prints, in any of the forms that core/secrets knows. */
  readonly secrets?: readonly Secret[];
  /** What of this host it sees; left out or null: all that the worker sees. Only where {@link ProcessRoom.sandbox} works. */
  readonly sandbox?: Sandbox | null;
  /** What it may take of this host; left out: as much as it likes. */
  readonly limits?: RunLimits;
  /** Ends it: TERM, two seconds, KILL, sweep. */
  readonly signal: AbortSignal;
}

/** A short command of the engine's own that looks at what an agent wrote. */
export interface ConfinedCommand {
  readonly argv: readonly [string, ...string[]];
  /** The program that must be seen, where that is not the one that is started. */
  readonly visible?: string;
  readonly cwd: string;
  /** The PATH by which the program is found. */
  readonly path: string;
  /** Folders and files that it sees in their own places, where they are there. */
  readonly read: readonly string[];
  /** Those that it may write as well. */
  readonly write: readonly string[];
  /** What it does not see where that lies below the system's folders, but for what is named above. */
  readonly hidden: readonly string[];
}

/** The first cause of the end wins. */
export type ExitResult = {
  /** The end of the output, decoded, at most 16 KiB; printable. */
  readonly tail: string;
  readonly outputBytes: number;
  /** True when the output was longer than the cap and only its head and tail are kept. */
  readonly truncated: boolean;
  readonly durationMs: number;
} & (
  | { readonly kind: 'exited'; readonly code: number }
  /** By a signal that the engine did not send. */
  | { readonly kind: 'signaled'; readonly signal: string }
  | { readonly kind: 'idle-timeout' }
  | { readonly kind: 'total-timeout' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'no-space'; readonly message: string }
  | Exceeded
);

export interface ProcessRoom {
  /** How processes are contained on this host, and why not better. */
  readonly containment: Containment;
  /** Whether process trees can be given a sandbox on this host. */
  readonly sandbox: SandboxState;
  /** The command line that starts a command in a sandbox of its own; null where none can be made. */
  readonly confined: ((command: ConfinedCommand) => readonly [string, ...string[]]) | null;
  /** What holds all trees together to a number of processes, since the first one started; null: nothing does. */
  boundBy(): 'cgroup' | 'limit' | null;
  /** Whether the kernel holds each tree to its memory, and not the watch alone. */
  holdsMemory(): boolean;
  /** Whether the kernel holds each tree to the processors that it may have; false where they are not limited. */
  holdsCpus(): boolean;
  /** Why the kernel does not hold trees to all limits that it could, and what to do; null: nothing is known to be missing. */
  lacks(): RefusedPlace | null;
  /** Starts one process tree and returns when nothing of it is left. */
  run(request: SpawnRequest): Promise<ExitResult>;
  /**
   * What the worker's proxy has refused to processes that may reach these hosts since then (by performance.now()), and why:
   * many programs do not say it. Of one with the same hosts at the same time, too.
   */
  refused(hosts: readonly string[], sinceMs: number): readonly RefusedHost[];
  /** Kills what carries a tag of this state home and belongs to no living worker (after a kill -9). Returns how many. */
  sweepLeftovers(): Promise<number>;
  /** Ends what the room keeps beside its runs; no run may be under way. */
  close(): Promise<void>;
}

/** What the worker's proxy has refused to a process. */
export interface RefusedHost {
  /** The destination, and why. */
  readonly told: string;
  /** What the list of hosts lacks; null where no name would help. */
  readonly lacks: string | null;
}

export type Containment = { readonly kind: 'pid-namespace' } | { readonly kind: 'process-group'; readonly why: string };

export type SandboxState =
  | { readonly kind: 'works' }
  /** `off`: nobody has looked for one, since the host wants no containment. */
  | { readonly kind: 'missing'; readonly why: string; readonly off?: true };
