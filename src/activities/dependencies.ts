/** What the activities need of the world; the worker, as composition root, provides it. */

import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { SHORT_BELOW_BYTES } from '../core/hosts.ts';
import type { ProjectName } from '../core/ids.ts';
import type { Parsed } from '../core/parsed.ts';
import type { PortRange } from '../core/ports.ts';
import type { Secret } from '../core/secrets.ts';
import type { ProjectSettings } from '../core/project.ts';
import type { NoticeTargets } from '../core/notice-types.ts';
import type { Target } from '../core/queue-types.ts';
import type { NotifyRule, TaskSpec, TaskView } from '../core/task-types.ts';
import type { GitRoom, ReadGate } from '../git/types.ts';
import type { Spool } from '../ledger/spool.ts';
import type { LedgerReader, LedgerWriter } from '../ledger/types.ts';
import type { NotifyRoom } from '../notify/types.ts';
import type { ProcessRoom, RunLimits } from '../process/types.ts';
import type { HostConfinement } from './confine.ts';
import type { LandingAdapter } from './landing-adapter.ts';

/** For whom an environment is made. */
export interface EnvironmentRequest {
  readonly purpose: 'agent' | 'setup' | 'gate';
  /** The agent's name in tasks.yaml, by which the host grants; null for shell commands. */
  readonly agent: string | null;
  /** A folder for HOME and temporary files. */
  readonly scratch: string;
  /** In a sandbox HOME is always the task's own, and temporary files have a folder there. */
  readonly confined: boolean;
}

export interface GrantedSecrets {
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: readonly Secret[];
}

export interface Dependencies {
  readonly hostId: string;
  readonly home: string;
  readonly git: GitRoom;
  readonly landing: LandingAdapter;
  readonly process: ProcessRoom;
  readonly ledger: Pick<LedgerWriter, 'record' | 'beginAttempt' | 'bindProject' | 'isGreen'> &
    Pick<LedgerReader, 'readEvents' | 'readTask'>;
  readonly spool: Spool;
  readonly client: Client;
  /** The settings in the text of a tasks.yaml. */
  readonly parseSettings: (text: string) => Parsed<ProjectSettings>;
  readonly readGate: ReadGate;
  /** The whole environment of a child process, by allow-list (N10). */
  readonly environment: (request: EnvironmentRequest) => Readonly<Record<string, string>>;
  readonly confinement: HostConfinement;
  /** What an agent, or null for set-up and gates, is given of the host's secrets; an error names none of them. */
  readonly secretsFor: (agent: string | null) => Promise<Parsed<GrantedSecrets>>;
  /** This host's path of a program that tasks.yaml names, where the host's configuration has one. */
  readonly program: (name: string) => string;
  /** Where this host has a checkout of a project, by its configuration; null: it names none. */
  readonly checkoutOf: (project: string) => string | null;
  /** Leases an owner's range of ports on this host; null when none is free. */
  readonly ports: { lease(owner: string): Promise<PortRange | null> };
  readonly notices: NoticeDependencies;
  /** Told when a task waits: its workspace may have to make room. */
  readonly onWaiting: () => void;
  /** Told of each record of a task: others' work may conflict with what has landed or is stored by now. */
  readonly onRecorded: (view: TaskView) => void;
  /** Told of the labels that a gate requires which is started. */
  readonly onRequired: (requires: readonly string[]) => void;
  /** Told when a task's record says that it has ended: its workspace may be cleaned up. */
  readonly onEnded: (target: Target, taskId: string) => void;
  /** True once this worker is stopping: what is killed then is moved, not blamed. */
  readonly isDraining: () => boolean;
  /** Gate runs at the same time in this process. */
  readonly gates: number;
  /** Of this worker: what gates and phases may require. */
  readonly labels: readonly string[];
  readonly limits: Limits;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export interface NoticeDependencies {
  readonly room: NotifyRoom;
  /** Of this host, for tasks of every project. */
  readonly rules: readonly NotifyRule[];
  /** Read for each try, so that a mended one counts at once. */
  readonly readTargets: () => Promise<Parsed<NoticeTargets>>;
  /** Where people reach the Temporal Web UI; null: nobody knows. */
  readonly readUi: () => Promise<string | null>;
  readonly nowMs: () => number;
}

export interface Limits {
  readonly maxOutputBytes: number;
  readonly heartbeatMs: number;
  /** Of one process tree at a time; Infinity: as many as the host has. */
  readonly maxProcesses: number;
  /** Processors of one process tree; Infinity: as many as the host has. */
  readonly maxCpus: number;
  /** Memory of one process tree. */
  readonly maxMemoryBytes: number;
  /** What one process tree may take of the disk, in all its folders. */
  readonly maxWrittenBytes: number;
  /** Less free disk than this ends process trees. */
  readonly endBelowBytes: number;
  /** Less free disk than this makes a red gate run no verdict. */
  readonly minFreeBytes: number;
  /** Less free disk than this, and the workspaces of waiting tasks go. */
  readonly shortBelowBytes: number;
  /** What is stored and what lands within this time is looked at together for conflicts, in milliseconds. */
  readonly radarMs: number;
  /** How often tasks are looked for whose workflows were ended from outside, in milliseconds. */
  readonly outsideEveryMs: number;
  /** How often workflows that a worker could not go on with are looked at, in milliseconds. */
  readonly wedgedEveryMs: number;
  /** How often an agent's unfinished work is stored, in milliseconds; 0: never. */
  readonly checkpointMs: number;
  /** How long attempts wait to begin, and what an agent left to be stored, while its origin is away, in milliseconds. */
  readonly awayMs: number;
  /** How long a target of notices has to answer, in milliseconds. */
  readonly noticeMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxOutputBytes: 16 * 1024 * 1024,
  heartbeatMs: 1_000,
  maxProcesses: 2_048,
  maxCpus: Infinity,
  maxMemoryBytes: Infinity,
  maxWrittenBytes: 32 * 1024 ** 3,
  endBelowBytes: 512 * 1024 * 1024,
  minFreeBytes: 64 * 1024 * 1024,
  shortBelowBytes: SHORT_BELOW_BYTES,
  radarMs: 2_000,
  outsideEveryMs: 60_000,
  wedgedEveryMs: 60_000,
  checkpointMs: 5 * 60_000,
  awayMs: 30 * 60_000,
  noticeMs: 20_000,
};

/** The home of a task's processes. */
export function scratchOf({ home }: Pick<Dependencies, 'home'>, task: Pick<TaskSpec, 'project' | 'id'>): string {
  return join(home, 'scratch', task.project, task.id);
}

/** The home of a project's set-ups: shared by its tasks, so that package managers find their caches. */
export function setUpScratchOf({ home }: Pick<Dependencies, 'home'>, project: ProjectName): string {
  return join(home, 'scratch', project, 'setup');
}

/** What a process tree that writes these folders may take. */
export function runLimits({ limits }: Pick<Dependencies, 'limits'>, folders: readonly string[]): RunLimits {
  return {
    processes: limits.maxProcesses,
    memoryBytes: limits.maxMemoryBytes,
    writtenBytes: limits.maxWrittenBytes,
    freeBytes: limits.endBelowBytes,
    folders,
  };
}
