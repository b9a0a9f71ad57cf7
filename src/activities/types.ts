/** What workflows may ask of the world. Workflows import this file's types alone. */

import type { TaskId } from '../core/ids.ts';
import type { BuildResult, Candidate, GateVerdict, LandResult, QueueItem, Target } from '../core/queue-types.ts';
import type { Delivered, DeliveryRequest } from '../core/notice-types.ts';
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
  /** One run of the gate on a candidate's tree. Long; heartbeats; at any host's gate slot. */
  readonly runGate: (request: CandidateRequest) => Promise<GateVerdict>;
  /** Brings the ledger up to date. Short; never fails. */
  readonly record: (request: RecordRequest) => Promise<Recorded>;
  /** Puts a task's branch into its project's queue, starting the integration workflow if need be. Short; may come twice. */
  readonly handOff: (request: HandOffRequest) => Promise<Recorded>;
  /** Who sent a signal, as the history's event says; null when it does not. Short. */
  readonly senderOf: (request: SignalRequest) => Promise<string | null>;
  /** Those of some tasks whose workflows are closed or gone; one that Temporal says nothing of is none of them. Short. */
  readonly closedTasks: (ids: readonly TaskId[]) => Promise<readonly TaskId[]>;
  readonly buildCandidate: (request: { readonly target: Target; readonly item: QueueItem }) => Promise<BuildResult>;
  readonly land: (request: CandidateRequest) => Promise<LandResult>;
  /** Tells one target of a notice. At most a minute; fails when the target was not told, and may tell it twice. */
  readonly deliver: (request: DeliveryRequest) => Promise<Delivered>;
}
