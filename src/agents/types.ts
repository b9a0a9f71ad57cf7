/** What an agent adapter is: the command of a phase (pure), and a reader of its output lines (pure). */

import type { Proposal, ProposedTask, Question } from '../core/ask-types.ts';
import type { Failure } from '../core/failure.ts';
import type { AgentDefinition } from '../core/project.ts';
import type { Phase, Usage } from '../core/task-types.ts';

export interface PhaseFiles {
  readonly promptFile: string;
  readonly taskDir: string;
  readonly worktree: string;
  readonly branch: string;
  readonly taskId: string;
  readonly phase: Phase;
  readonly attempt: number;
  readonly reportFile: string;
}

export interface AgentCommand {
  readonly argv: readonly [string, ...string[]];
  /** Added to the allowed environment: the TASKS_* variables and what the adapter needs. */
  readonly env: Readonly<Record<string, string>>;
}

/** What the adapter has understood of the lines so far. */
export interface AgentReading {
  /** The agent's own session id; empty when the session that was to be resumed is not on this host: begin a new one. */
  readonly session: string | null;
  readonly usage: Usage | null;
  /** The terminal event: null until it came, or for agents that have none. */
  readonly end:
    | { readonly kind: 'done'; readonly text: string }
    | { readonly kind: 'failed'; readonly failure: Failure }
    | null;
}

export interface LineReader {
  read(line: string): void;
  readonly reading: AgentReading;
  /** What the agent is at; null or left out: what its last line says. */
  readonly progress?: LineProgress | null;
}

/** As it was printed, of any length; `percent` is from 0 to 100, or null. */
export interface LineProgress {
  readonly text: string;
  readonly percent: number | null;
}

export interface AgentAdapter<Kind extends AgentDefinition['kind'] = AgentDefinition['kind']> {
  readonly kind: Kind;
  /** True when the end of the process means nothing without a terminal event in its output. */
  readonly hasTerminalEvent: boolean;
  /** @param confined whether a sandbox holds it, so that nothing but the sandbox need keep it from anything */
  command(
    definition: Extract<AgentDefinition, { kind: Kind }>,
    files: PhaseFiles,
    session: string | null,
    confined: boolean,
  ): AgentCommand;
  /** Where it keeps a session, from its home, in lines of JSON; left out: its sessions stay on their host. */
  readonly transcript?: (cwd: string, session: string) => string;
  /** @param resumed the session that the command resumes, when it does: its id stays, whatever the lines call it */
  reader(resumed?: string | null): LineReader;
}

/** How the agent's process ended: what the judgement needs of the process room's result. */
export type AttemptExit = { readonly tail: string; readonly durationMs: number } & (
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signaled'; readonly signal: string }
  | { readonly kind: 'idle-timeout' | 'total-timeout' | 'aborted' }
  | { readonly kind: 'missing' | 'no-space'; readonly message: string }
  | {
      readonly kind: 'over-limit';
      readonly limit: 'too-many-processes' | 'too-much-memory' | 'too-much-written';
      readonly message: string;
    }
);

/** The report file as it was found after the process ended. */
export type ReportFile =
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly reason: string }
  | { readonly kind: 'text'; readonly text: string };

/** What an attempt came to, before the engine's own check of the worktree. */
export type Judgement =
  | {
      readonly kind: 'done';
      readonly summary: string;
      /** The phase's document, to be written into the task folder, from an agent that could not write it itself. */
      readonly document: { readonly name: string; readonly text: string } | null;
      /** Tasks that somebody should do, in the agent's opinion. */
      readonly proposals: readonly ProposedTask[];
    }
  | { readonly kind: 'question'; readonly questions: readonly Question[] }
  | { readonly kind: 'proposal'; readonly proposal: Proposal }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** report.json, as an agent leaves it. */
export type AgentReport =
  | { readonly status: 'done'; readonly summary: string; readonly proposals: readonly ProposedTask[] }
  | { readonly status: 'question'; readonly questions: readonly Question[] }
  | { readonly status: 'proposal'; readonly proposal: Proposal }
  | { readonly status: 'failed'; readonly reason: string };
