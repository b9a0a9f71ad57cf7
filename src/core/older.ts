/**
 * What workflows of the first version carry, and what its activities bring back, completed with what has come since
 * (N11). Each function gives a value of this version as it is.
 */

import { DEFAULT_STAGE_GATES, NO_PATIENCE_LIMIT, type Ask, type Proposal, type Question } from './ask-types.ts';
import type { Stage, Task } from './task-state.ts';
import type { AttemptFacts, AttemptOutcome, Phase, TaskPolicy, TaskSpec } from './task-types.ts';
import { oneLine } from './text.ts';

interface OldAsking {
  readonly kind: 'asking';
  readonly phase: Phase;
  readonly ask: { readonly kind: 'question' | 'proposal'; readonly version: number; readonly text: string };
}

type OldOutcome = AttemptFacts & { readonly kind: 'question' | 'proposal'; readonly text: string };

const SPEC: Pick<TaskSpec, 'type' | 'for' | 'blocks' | 'choices' | 'default' | 'parent'> = {
  type: 'task',
  for: null,
  blocks: null,
  choices: [],
  default: null,
  parent: null,
};
const POLICY: Pick<TaskPolicy, 'approve' | 'patience' | 'notify'> = {
  approve: DEFAULT_STAGE_GATES,
  patience: NO_PATIENCE_LIMIT,
  notify: [],
};
const TASK: Pick<
  Task,
  'settled' | 'refused' | 'documents' | 'edited' | 'blockers' | 'toMake' | 'unasked' | 'conflict'
> = {
  settled: [],
  refused: [],
  documents: { understanding: null, plan: null },
  edited: null,
  blockers: [],
  toMake: [],
  unasked: 0,
  conflict: null,
};

const DONE = { document: null, proposals: [] } as const;

export function completeSpec(spec: TaskSpec): TaskSpec {
  return { ...SPEC, ...spec, policy: { ...POLICY, ...spec.policy } };
}

/** Whether a workflow was begun by a worker of version 0.1.0: its specification has no type. @param spec as it was given */
export function isOfFirstVersion(spec: TaskSpec): boolean {
  return !('type' in spec);
}

/** What version 0.1.0 made of a signal that names nobody: a text alone said nothing to it. */
export function heardByFirstVersion(payload: unknown): unknown {
  return typeof payload === 'string' ? {} : payload;
}

export function completeTask(task: Task): Task {
  return {
    ...TASK,
    ...task,
    stage: completeStage(task.stage, task.sinceMs),
    exchanges: task.exchanges.map((said) => Object.assign({ kind: 'question' } as const, said)),
  };
}

function completeStage(stage: Stage | OldAsking, sinceMs: number): Stage {
  if (stage.kind !== 'asking' || !('ask' in stage)) return stage;
  const { phase, ask } = stage;
  const { kind, version, text } = ask;
  const open = {
    version,
    askedAtMs: sinceMs,
    for: null,
    patience: NO_PATIENCE_LIMIT,
    reminders: 0,
    escalated: false,
  };
  const asked: Ask =
    kind === 'question'
      ? { kind, question: questionOf(text), ...open }
      : { kind, proposal: proposalOf(text), leadsTo: { kind: 'phase', phase }, ...open };
  return { kind: 'asking', phase, asks: [asked] };
}

export function completeOutcome(outcome: AttemptOutcome | OldOutcome): AttemptOutcome {
  if ('text' in outcome) {
    const { kind, text, host, session, usage, checkpoint } = outcome;
    const facts = { host, session, usage, checkpoint };
    return kind === 'question'
      ? { kind, questions: [questionOf(text)], ...facts }
      : { kind, proposal: proposalOf(text), ...facts };
  }
  return outcome.kind === 'done' ? { ...DONE, ...outcome } : outcome;
}

function questionOf(text: string): Question {
  return { text, choices: [], default: null, patience: {} };
}

/** Whatever it was, it is done after somebody has said yes. */
function proposalOf(text: string): Proposal {
  return { kind: 'effect', title: oneLine(text), body: text, items: [] };
}
