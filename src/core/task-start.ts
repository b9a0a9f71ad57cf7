/** How a task begins: when it is submitted, and again, after its end or after its workflow was ended from outside. */

import { askDecision, askQuestions } from './asking.ts';
import { goOn, happen, noteRetry } from './task-moves.ts';
import { currentSpec } from './task-notes.ts';
import type { Surroundings, Task } from './task-state.ts';
import type { Phase, TaskSpec, Usage } from './task-types.ts';

const NO_USAGE: Usage = { inputTokens: 0, outputTokens: 0, costUsd: 0 };

export function firstPhase(spec: Pick<TaskSpec, 'work'>): Phase {
  return spec.work.kind === 'shell' ? 'execute' : 'understand';
}

export function newTask(surroundings: Surroundings): Task {
  const { spec, nowMs } = surroundings;
  const empty: Task = {
    stage: { kind: 'phase', phase: firstPhase(spec), attempt: 0 },
    sinceMs: nowMs,
    attempt: 0,
    tries: 0,
    lostInARow: 0,
    revisions: 0,
    placeMs: null,
    checkpoint: null,
    session: null,
    summary: null,
    asks: 0,
    settled: [],
    refused: [],
    exchanges: [],
    documents: { understanding: null, plan: null },
    edited: null,
    blockers: [],
    toMake: [],
    unasked: 0,
    request: null,
    conflict: null,
    lastFailure: null,
    usage: NO_USAGE,
    endedAtMs: null,
    sequence: 0,
    unrecorded: [],
  };
  const { title, work } = spec;
  return start(
    happen(empty, surroundings, { kind: 'submitted', title, work: work.kind, type: spec.type }),
    surroundings,
  );
}

/** What was submitted begins: a task with its first phase, a proposal and a question by asking. */
export function start(task: Task, surroundings: Surroundings): Task {
  const spec = currentSpec(task, surroundings.spec);
  const phase = firstPhase(spec);
  const { title, body, choices } = spec;
  switch (spec.type) {
    case 'task':
      return goOn(task, surroundings, { kind: 'phase', phase });
    case 'proposal': {
      const proposal = { kind: 'task', title, body, items: [] } as const;
      return askDecision(task, surroundings, phase, proposal, { kind: 'phase', phase });
    }
    case 'question': {
      const text = body.trim() === '' ? title : `${title}\n\n${body}`;
      return askQuestions(task, surroundings, phase, [{ text, choices, default: spec.default, patience: {} }]);
    }
  }
}

/**
 * What `tasks retry` makes of a task that ended without landing: the same task, the next attempt. The same object when
 * it has not ended, or has landed: a task lands once (N2).
 */
export function reopen(task: Task, surroundings: Surroundings, actor: string, from: Phase | null = null): Task {
  const { stage } = task;
  if (stage.kind !== 'ended' || stage.end === 'landed') return task;
  const retried = noteRetry({ ...task, endedAtMs: null, lostInARow: 0 }, surroundings, actor, from);
  const fresh: Task = { ...retried, tries: 0, revisions: 0, placeMs: null };
  if (task.attempt === 0) return start(fresh, surroundings);
  // One that ended while it was landing has no phase: its work is done and only has to be handed off anew.
  return goOn(fresh, surroundings, { kind: 'phase', phase: from ?? stage.phase ?? 'execute' });
}

/**
 * What `tasks retry` makes of a task whose workflow was terminated: it begins anew, since what it had is swept away. The
 * same object when it has ended by itself.
 */
export function startOver(task: Task, surroundings: Surroundings, actor: string): Task {
  if (task.stage.kind === 'ended') return task;
  const retried = happen(task, surroundings, { kind: 'retried', actor });
  const counts = { tries: 0, lostInARow: 0, revisions: 0, placeMs: null };
  // The refs of its attempts are swept away with the rest, which refuses what they may still send.
  const { lost: _, ...fresh } = retried;
  const nothing = { checkpoint: null, session: null, request: null, conflict: null, lastFailure: null };
  return start({ ...fresh, ...counts, ...nothing, reset: true }, surroundings);
}
