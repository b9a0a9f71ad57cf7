/** What a task can need from a person: questions and proposals, how long they wait, and what became of them. Data alone. */

import type { Phase } from './task-types.ts';

/**
 * What a decision is asked for. `understanding` and `task` are asked by the engine alone: before planning, where a
 * project demands clarification, and for a task that is submitted as a proposal.
 */
export type ProposalKind = 'understanding' | 'plan' | 'patch' | 'effect' | 'message' | 'tasks' | 'task';

export const PROPOSAL_KINDS: readonly ProposalKind[] = [
  'understanding',
  'plan',
  'patch',
  'effect',
  'message',
  'tasks',
  'task',
];

/** Stages of a task that wait for a decision before it goes on. */
export type StageGate = 'clarification' | 'plan' | 'patch' | 'effects' | 'messages';

export const STAGE_GATES: readonly StageGate[] = ['clarification', 'plan', 'patch', 'effects', 'messages'];

/** What leaves the machine, or cannot be taken back, waits for a person unless the project says otherwise. */
export const DEFAULT_STAGE_GATES: readonly StageGate[] = ['effects', 'messages'];

/** A task that a proposal of further tasks would make. */
export interface ProposedTask {
  readonly title: string;
  readonly body: string;
}

/** How long something waits for a person; null: for ever. Spans in milliseconds. */
export interface Patience {
  /** A reminder after this long, and again after each such span, at most {@link MAX_REMINDERS} times. */
  readonly remindMs: number | null;
  /** Handed to somebody else after this long. */
  readonly escalate: { readonly afterMs: number; readonly to: string } | null;
  /** Over after this long: the question's default answer is taken where it has one and `outcome` says so, else the task fails. */
  readonly expire: { readonly afterMs: number; readonly outcome: 'default' | 'give-up' } | null;
}

export const MAX_REMINDERS = 20;
export const NO_PATIENCE_LIMIT: Patience = { remindMs: null, escalate: null, expire: null };

/** What an agent, or a person who submits a question, asks. */
export interface Question {
  readonly text: string;
  /** Possible answers, at most 20; any other text is taken too. */
  readonly choices: readonly string[];
  readonly default: string | null;
  /** Its own instead of the project's, where the asker has set it. */
  readonly patience: Partial<Patience>;
}

export interface Proposal {
  readonly kind: ProposalKind;
  /** One line. */
  readonly title: string;
  /** What is to be approved: the plan, the diff, the effect, the message. */
  readonly body: string;
  /** Of `tasks` alone. */
  readonly items: readonly ProposedTask[];
  /** The protected change that an approval is for; left out: none. */
  readonly protects?: string;
}

interface Open {
  /** Counts the asks of a task, from 1. A reply names it, so that it cannot be meant for another one (N7). */
  readonly version: number;
  readonly askedAtMs: number;
  /** Who is asked; null: whoever looks. */
  readonly for: string | null;
  readonly patience: Patience;
  /** Reminders so far. */
  readonly reminders: number;
  readonly escalated: boolean;
}

export interface OpenQuestion extends Open {
  readonly kind: 'question';
  readonly question: Question;
}

export interface OpenProposal extends Open {
  readonly kind: 'proposal';
  readonly proposal: Proposal;
  /** What an approval leads to. */
  readonly leadsTo: Continuation;
}

export type Ask = OpenQuestion | OpenProposal;

/** Where a task goes on. */
export type Continuation = { readonly kind: 'phase'; readonly phase: Phase } | { readonly kind: 'landing' };

export type Decision = 'approved' | 'edited' | 'changes-requested' | 'rejected';

/** What became of an item of a proposal of further tasks. */
export type ItemDecision =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'edited'; readonly task: ProposedTask }
  | { readonly kind: 'dropped' };

/** Who replies when a deadline does. */
export const DEADLINE = 'the deadline';

/** What holds of an ask that is not open any more: what a late reply is told. */
export interface Settled {
  readonly version: number;
  /** `replaced`: asked anew under another version, since the submission was edited, or the task set back. */
  readonly how: 'answered' | 'expired' | 'replaced' | Decision;
  readonly actor: string;
  readonly atMs: number;
}

/** An ask as the ledger and people see it. Times are ISO 8601. */
export interface AskView {
  readonly version: number;
  readonly kind: 'question' | ProposalKind;
  /** The question, or the proposal's title. */
  readonly text: string;
  /** What a decision is asked about; empty for a question. */
  readonly body: string;
  readonly choices: readonly string[];
  readonly default: string | null;
  readonly items: readonly ProposedTask[];
  readonly for: string | null;
  readonly since: string;
  /** When the default is taken, or the task gives up; null: never. */
  readonly expiresAt: string | null;
}
