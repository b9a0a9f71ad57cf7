/** What tasks.yaml says, once read and completed with defaults. Pure data: config/ makes it from the file. */

import type { MergeRule } from './merge-rules.ts';
import type { BranchName, ProjectName } from './ids.ts';
import type { Phase, TaskPolicy } from './task-types.ts';

/** How to run a coding agent: one that Tributary knows by name, or any command. */
export type AgentDefinition =
  | { readonly kind: 'claude'; readonly model: string | null; readonly args: readonly string[] }
  | {
      readonly kind: 'command';
      /** The program and its arguments; placeholders in braces are filled in. */
      readonly command: readonly string[];
      readonly phases: readonly Phase[];
    };

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

/** The project's own checks, as they stand on main when a candidate is built. */
export interface GateDefinition {
  readonly setup: string | null;
  readonly commands: readonly GateCommand[];
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
  /** Candidates that are gated side by side at the most; null: as many as there are gate slots. */
  readonly window: number | null;
  /** Whether several may land behind one gate run: where one gate slot exists, and red is rare. */
  readonly batch: boolean;
  /** Whether each task is gated, merged with main alone, before it may become a candidate. */
  readonly verify: boolean;
  /** How files are merged that everybody adds to, before anything counts as a conflict. */
  readonly merges: readonly MergeRule[];
}
