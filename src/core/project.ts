/** What tasks.yaml says, once read and completed with defaults. Pure data: config/ makes it from the file. */

import type { MergeRule } from './merge-rules.ts';
import type { BranchName, ProjectName } from './ids.ts';
import type { Phase, TaskPolicy } from './task-types.ts';

/** `required`: not without a sandbox. `preferred`: with one where this host can make one. `off`: never. */
export type SandboxMode = 'required' | 'preferred' | 'off';
export const SANDBOX_MODES: readonly SandboxMode[] = ['required', 'preferred', 'off'];

/**
 * What a confined process reaches. `none`: nothing. `full`: every public address, by the worker's proxy. A list: the hosts
 * that it names, by the same proxy, private ones too; `*` stands for every public one. `host`: the host's own network.
 */
export type Network = 'none' | 'full' | 'host' | readonly string[];

export interface Confinement {
  readonly sandbox: SandboxMode;
  readonly network: Network;
}

/** How a project's processes are confined. */
export interface ProjectConfinement {
  readonly sandbox: SandboxMode;
  readonly agents: Network;
  readonly setup: Network;
}

/** How to run a coding agent: one that Tributary knows by name, or any command. */
export type AgentDefinition = Partial<Confinement> &
  (
    | { readonly kind: 'claude'; readonly model: string | null; readonly args: readonly string[] }
    | {
        readonly kind: 'command';
        /** The program and its arguments; placeholders in braces are filled in. */
        readonly command: readonly string[];
        readonly phases: readonly Phase[];
      }
  );

export interface GateCommand {
  readonly name: string;
  /** A shell command. */
  readonly run: string;
  readonly timeoutMs: number;
  /** `permissive`: when it fails that is recorded, and stops nothing; `skip`: it is not run. Left out: strict. */
  readonly mode?: GateMode;
  /** The names of those that must have ended before. Where no command says any, they run in their order. */
  readonly needs?: readonly string[];
}

export type GateMode = 'strict' | 'permissive' | 'skip';
export const GATE_MODES: readonly GateMode[] = ['strict', 'permissive', 'skip'];

export interface GateConfinement extends Confinement {
  readonly setup: Network;
}

/** The project's own checks, as they stand on main when a candidate is built. */
export interface GateDefinition {
  readonly setup: string | null;
  readonly commands: readonly GateCommand[];
  /** Left out where the project says nothing of it: preferred, and no network but for set-up. */
  readonly confinement?: GateConfinement;
  /** The labels of workers that may run it; left out: any may. */
  readonly requires?: readonly string[];
  /** Names what a verdict was given under: a hash of everything above. */
  readonly hash: string;
}

export interface ProjectSettings {
  readonly project: ProjectName;
  readonly branch: BranchName;
  readonly setup: string | null;
  readonly gate: GateDefinition;
  /** The agent of a task that names none. */
  readonly agent: string;
  readonly agents: Readonly<Record<string, AgentDefinition>>;
  readonly policy: TaskPolicy;
  readonly confinement: ProjectConfinement;
  /** Paths beside tasks.yaml and what the gate runs whose change waits for a person. */
  readonly protected: readonly string[];
  /** Labels that a worker has to have to run phases of its tasks. */
  readonly requires: readonly string[];
  /** Candidates that are gated side by side at the most; null: as many as there are gate slots. */
  readonly window: number | null;
  /** Whether several may land behind one gate run: where one gate slot exists, and red is rare. */
  readonly batch: boolean;
  /** Whether each task is gated, merged with main alone, before it may become a candidate. */
  readonly verify: boolean;
  /** How files are merged that everybody adds to, before anything counts as a conflict. */
  readonly merges: readonly MergeRule[];
}
