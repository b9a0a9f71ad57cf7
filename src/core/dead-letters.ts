/** Tasks that failed: those that wait after their last attempt or revision, and those that ended so. And which to retry. */

import { parseProjectName, quote, type ProjectName } from './ids.ts';
import { fail, ok, type Parsed } from './parsed.ts';
import { PHASES } from './retry-from.ts';
import type { Phase, TaskStateName, TaskView } from './task-types.ts';

/** `waits`: goes on with its next attempt when it is retried. `ended`: begins again. */
export type DeadLetter = 'waits' | 'ended';

/** Null for a task that has not failed. */
export function deadLetterOf({ state, waitingFor }: Pick<TaskView, 'state' | 'waitingFor'>): DeadLetter | null {
  if (state === 'failed') return 'ended';
  const waits = waitingFor?.kind === 'attempts' || waitingFor?.kind === 'revisions';
  return waits ? 'waits' : null;
}

/** The states in which a task can be retried; of those that wait only the ones that failed. */
export const RETRIED_STATES = ['waiting', 'failed', 'rejected', 'canceled'] as const satisfies readonly TaskStateName[];
export type RetriedState = (typeof RETRIED_STATES)[number];

/** Which tasks to retry; what is null does not matter. */
export interface RetryFilter {
  readonly project: ProjectName | null;
  readonly states: readonly RetriedState[];
  readonly phase: Phase | null;
  /** The kind of the failure. */
  readonly failure: string | null;
  readonly agent: string | null;
}

/** All that failed. */
export const ALL_FAILED: RetryFilter = {
  project: null,
  states: ['waiting', 'failed'],
  phase: null,
  failure: null,
  agent: null,
};

const KEYS = 'project, state, phase, failure, agent';

/** `project=shop,state=failed,state=canceled`: a task has to fit all keys, and one of the states. */
export function parseRetryFilter(text: string): Parsed<RetryFilter> {
  let filter = ALL_FAILED;
  const states: RetriedState[] = [];
  const seen = new Set<string>();
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    const key = part.slice(0, Math.max(0, at)).trim();
    const value = part.slice(at + 1).trim();
    if (at < 0 || value === '') return fail(`${quote(part.trim())} is no key=value; give for example project=shop`);
    if (key !== 'state' && seen.has(key)) return fail(`${key} is given twice; only state may be`);
    seen.add(key);
    switch (key) {
      case 'project': {
        const project = parseProjectName(value);
        if (project.kind === 'invalid') return project;
        filter = { ...filter, project: project.value };
        break;
      }
      case 'state': {
        const state = RETRIED_STATES.find((each) => each === value);
        if (state === undefined)
          return fail(`state: ${quote(value)} cannot be retried; give one of ${RETRIED_STATES.join(', ')}`);
        states.push(state);
        break;
      }
      case 'phase': {
        const phase = PHASES.find((each) => each === value);
        if (phase === undefined) return fail(`phase: ${quote(value)} is none; give one of ${PHASES.join(', ')}`);
        filter = { ...filter, phase };
        break;
      }
      case 'failure':
      case 'agent':
        filter = { ...filter, [key]: value };
        break;
      default:
        return fail(`${quote(key)} is no key; give some of ${KEYS}`);
    }
  }
  return ok(states.length === 0 ? filter : { ...filter, states });
}

/** Whether a task is one of those that are to be retried. */
export function isRetried(view: TaskView, filter: RetryFilter): boolean {
  const { project, states, phase, failure, agent } = filter;
  return (
    states.some((state) => state === view.state) &&
    (view.state !== 'waiting' || deadLetterOf(view) !== null) &&
    (project === null || view.project === project) &&
    (phase === null || view.phase === phase) &&
    (failure === null || view.failure?.kind === failure) &&
    (agent === null || view.agent === agent)
  );
}
