/** What workflows may ask of the world. Workflows import this file's types alone. */

import type { ObjectId, TaskId } from '../core/ids.ts';
import type { LookAnswer, Part, Red, Run, SealAnswer, Wanted } from '../core/queue.ts';
import type {
  Below,
  BuildAnswer,
  Candidate,
  GateVerdict,
  LandResult,
  QueueItem,
  RunState,
  Target,
} from '../core/queue-types.ts';
import type { Delivered, DeliveryRequest } from '../core/notice-types.ts';
import type { QueueNewsRequest } from '../core/queue-news.ts';
import type { PhaseRequest, RecordRequest } from '../core/task-request.ts';
import type { AttemptOutcome } from '../core/task-types.ts';

/** The sequence up to which the ledger has the task's events; null when it could not be reached. */
export interface Recorded {
  readonly recordedUpTo: number | null;
  /** Where the ledger is already, when the run before a Temporal Reset has brought it further; nothing was recorded then. */
  readonly ledgerAt?: number;
}

export interface PhaseAnswer extends Recorded {
  readonly outcome: AttemptOutcome;
}

export interface HandOffRequest {
  readonly target: Target;
  readonly item: QueueItem;
  readonly record: RecordRequest;
}

export interface CandidateRequest {
  readonly target: Target;
  readonly item: QueueItem;
  readonly candidate: Candidate;
}

export interface LandRequest extends CandidateRequest {
  /** Those of its batch that are below it and land in the same push, nearest main first; an older history has none. */
  readonly under?: readonly Pick<CandidateRequest, 'item' | 'candidate'>[];
}

export interface SealRequest {
  readonly target: Target;
  readonly parts: readonly Part[];
  /** What the first of them stands on, nearest main first. */
  readonly below: readonly Below[];
}

export interface BuildRequest {
  readonly target: Target;
  readonly item: QueueItem;
  readonly parent: ObjectId | null;
  readonly known: ObjectId | null;
  /** Whether to begin the candidate's gate run, unless its tree is known as green. */
  readonly gate: boolean;
  readonly below: readonly Below[];
}

/** What a gate run is about. */
export interface GateRequest {
  readonly target: Target;
  /** Whose candidate it is; null: a commit of main itself. */
  readonly item: QueueItem | null;
  readonly candidate: Candidate;
  /** What the candidate stands on, nearest main first. */
  readonly below: readonly Below[];
  /** The id of the workflow that waits for the verdict. */
  readonly waiter: string;
  /** What an earlier run on the same tree said; that one more is green then, a flake, is told by its workflow alone. */
  readonly red: Red | null;
}

export interface GateAnswer {
  readonly verdict: GateVerdict;
  /** Whether the one that the request names has been told. */
  readonly told: boolean;
}

export interface StartGateRequest extends Omit<GateRequest, 'red'> {
  /** Also when this tree was green under this gate before. */
  readonly again: boolean;
}

export interface LookRequest {
  readonly target: Target;
  readonly known: ObjectId | null;
  readonly runs: readonly Run[];
  readonly turn: TaskId | null;
  /** The labels of the workers whose gate slots count; null: they need not be counted. */
  readonly requires: readonly string[] | null;
}

/** A signal that a workflow's run has received: the so-manieth of its name, from 1. */
export interface SignalRequest {
  readonly workflowId: string;
  readonly runId: string;
  readonly signal: string;
  readonly number: number;
}

export interface Activities {
  /** One attempt at a phase, from the workspace to the pushed checkpoint. Long; heartbeats; at any host's agent slot. */
  readonly runPhase: (request: PhaseRequest) => Promise<PhaseAnswer>;
  /** One run of the gate on a candidate's tree; who waits is told at once. Long; heartbeats; at any host's gate slot. */
  readonly runGate: (request: GateRequest) => Promise<GateAnswer>;
  /** Brings the ledger up to date. Short; never fails. */
  readonly record: (request: RecordRequest) => Promise<Recorded>;
  /** Puts a task's branch into its project's queue, starting the integration workflow if need be. Short; may come twice. */
  readonly handOff: (request: HandOffRequest) => Promise<Recorded>;
  /** Who sent a signal, as the history's event says; null when it does not. Short. */
  readonly senderOf: (request: SignalRequest) => Promise<string | null>;
  /** Those of some tasks whose workflows are closed or gone; one that Temporal says nothing of is none of them. Short. */
  readonly closedTasks: (ids: readonly TaskId[]) => Promise<readonly TaskId[]>;
  readonly buildCandidate: (request: BuildRequest) => Promise<BuildAnswer>;
  /** Begins a gate run, or joins the one that is on its way. Short; may come twice. */
  readonly startGate: (request: StartGateRequest) => Promise<RunState>;
  /** The same for a commit of main; with the key that its verdict goes by. */
  readonly startMainGate: (request: {
    readonly target: Target;
    readonly commit: ObjectId;
    readonly again: boolean;
    readonly waiter: string;
  }) => Promise<{ readonly key: string; readonly state: RunState }>;
  readonly dropGate: (request: { readonly target: Target; readonly run: Run }) => Promise<void>;
  /** Asks after main, the gate runs on their way, and the task whose turn it is. Short. */
  readonly lookAtQueue: (request: LookRequest) => Promise<LookAnswer>;
  /** Asks tasks for what they handed off; those that could not be asked are left out of both. Short. */
  readonly askForItems: (wanted: readonly Wanted[]) => Promise<{
    readonly asked: readonly Wanted[];
    readonly items: readonly QueueItem[];
  }>;
  /** Writes the commits of candidates anew, with what covers them in their trailers. Short; may come twice. */
  readonly sealCandidates: (request: SealRequest) => Promise<SealAnswer>;
  readonly land: (request: LandRequest) => Promise<LandResult>;
  /** Has people told of a queue. Short; fails when that could not be begun, and may come twice. */
  readonly tellOfQueue: (request: QueueNewsRequest) => Promise<void>;
  /** Tells one target of a notice. At most a minute; fails when the target was not told, and may tell it twice. */
  readonly deliver: (request: DeliveryRequest) => Promise<Delivered>;
}
