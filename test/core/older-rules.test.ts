import { describe, expect, it } from '@jest/globals';
import { FAILURE_KINDS, type FailureKind } from '../../src/core/failure.ts';
import { isDoneAnew, isJudgedAnew, isReturnedAnew } from '../../src/core/older-rules.ts';
import { newTask, nextTask, type Surroundings, type Task } from '../../src/core/task.ts';
import type { AttemptOutcome, TaskPolicy } from '../../src/core/task-types.ts';
import { around, attemptEnded, checkpointOf, done, failed, failureOf, NOW_MS, REQUEST, SPEC, taskIn } from './rig.ts';

const by = (change: Partial<TaskPolicy>): Surroundings =>
  around({ spec: { ...SPEC, policy: { ...SPEC.policy, ...change } } });
const byOlder = (change: Partial<TaskPolicy>): Surroundings => ({ ...by(change), olderRules: true });
const failing = (kind: FailureKind, surroundings: Surroundings, task: Task = newTask(surroundings)): Task =>
  nextTask(task, attemptEnded(task.attempt, failed(kind)), surroundings);
/** Waits out the back-off; the next attempt runs then. */
const due = (task: Task, surroundings: Surroundings): Task =>
  nextTask(task, { kind: 'due' }, { ...surroundings, nowMs: NOW_MS + 3_600_000 });

describe('a failure, by the rules of version 0.2.0', () => {
  it('is tried again also when the attempt has stalled twice in a row, until there are no tries left', () => {
    const rules = byOlder({ retryStallsOnce: true });
    const first = due(failing('idle-timeout', rules), rules);
    const second = failing('idle-timeout', rules, first);
    expect(second).toMatchObject({ tries: 2, stage: { kind: 'backoff' } });
    expect(failing('idle-timeout', rules, due(second, rules)).stage).toMatchObject({ kind: 'parked' });
  });

  it('has the tries and the back-off of all phases', () => {
    const own = {
      backoff: { firstMs: 10_000, capMs: 10_000 },
      phases: { understand: { attempts: 1, backoff: { firstMs: 60_000, capMs: 60_000 } } },
    };
    expect(failing('agent-failed', byOlder(own)).stage).toEqual(failing('agent-failed', around()).stage);
    expect(failing('agent-failed', by(own)).stage).toMatchObject({ kind: 'parked' });
  });

  it.each(['agent-exhausted', 'secret-found', 'no-sandbox'] as const)(
    'of the kind %s, which it did not know, is tried again and spends a try',
    (kind) => {
      expect(failing(kind, byOlder({}))).toMatchObject({ tries: 1, stage: { kind: 'backoff', failure: { kind } } });
    },
  );

  it('to make files anew is tried again, and is no revision by an agent', () => {
    const sentBack = { ...newTask(around()), request: { ...REQUEST, regenerate: true as const } };
    expect(failing('regenerate-failed', byOlder({}), sentBack)).toMatchObject({
      revisions: 0,
      stage: { kind: 'backoff' },
    });
    expect(failing('regenerate-failed', by({}), sentBack)).toMatchObject({ revisions: 1, stage: { kind: 'phase' } });
  });

  it.each(['worker-lost', 'agent-limited', 'bad-configuration', 'agent-failed'] as const)(
    'of the kind %s is what it is now',
    (kind) => {
      expect(failing(kind, byOlder({}))).toEqual(failing(kind, around()));
    },
  );
});

const GUARDED = { paths: ['tasks.yaml'], digest: 'as-it-is' };

function worked(attempt: number): Extract<AttemptOutcome, { kind: 'done' }> {
  const outcome = done({ checkpoint: checkpointOf(attempt) });
  if (outcome.kind !== 'done') throw new Error('is done');
  return outcome;
}

describe('work that is done, by the rules of version 0.2.0', () => {
  it('lands without a look at the protected paths that it changes', () => {
    const executing = [1, 2].reduce(
      (task, attempt) => nextTask(task, attemptEnded(attempt, done()), around()),
      newTask(around()),
    );
    const ended = attemptEnded(3, { ...worked(3), protected: GUARDED });
    expect(nextTask(executing, ended, around()).stage.kind).toBe('asking');
    expect(nextTask(executing, ended, byOlder({})).stage.kind).toBe('landing');
  });

  it('is decided about again where files were made anew, and summed up anew', () => {
    const revising = nextTask(
      taskIn('landing'),
      { kind: 'returned', request: { ...REQUEST, regenerate: true } },
      by({}),
    );
    const ended = attemptEnded(4, { ...worked(4), summary: 'made anew', regenerated: true });
    const reviewed = { approve: ['patch'] as const };
    expect(nextTask(revising, ended, by(reviewed))).toMatchObject({
      summary: 'it is done',
      stage: { kind: 'landing' },
    });
    expect(nextTask(revising, ended, byOlder(reviewed))).toMatchObject({
      summary: 'made anew',
      stage: { kind: 'asking' },
    });
  });

  it('is asked of the history where there is either of the two', () => {
    expect(isDoneAnew(worked(3))).toBe(false);
    expect(isDoneAnew({ ...worked(3), protected: GUARDED })).toBe(true);
    expect(isDoneAnew({ ...worked(3), regenerated: true })).toBe(true);
  });
});

describe('what landing sends back, by the rules of version 0.2.0', () => {
  const landing = taskIn('landing');

  it('is a revision also where files need only be made anew', () => {
    const returned = { kind: 'returned', request: { ...REQUEST, regenerate: true } } as const;
    expect(nextTask(landing, returned, by({}))).toMatchObject({ revisions: 0, request: { regenerate: true } });
    const older = nextTask(landing, returned, byOlder({}));
    expect(older).toMatchObject({ revisions: 1, stage: { kind: 'phase', phase: 'revise' } });
    expect(older.request).toEqual(REQUEST);
  });

  it('waits for a person when there are no revisions left, and has no turn for itself', () => {
    const returned = { kind: 'returned', request: REQUEST, turnUntilMs: NOW_MS + 1_000 } as const;
    expect(nextTask(landing, returned, by({ revisions: 0 })).stage.kind).toBe('phase');
    expect(nextTask(landing, returned, byOlder({ revisions: 0 })).stage).toMatchObject({ why: 'revisions' });
  });

  it('is asked of the history where there is either of the two', () => {
    expect(isReturnedAnew({ request: REQUEST })).toBe(false);
    expect(isReturnedAnew({ request: REQUEST, turnUntilMs: null })).toBe(false);
    expect(isReturnedAnew({ request: REQUEST, turnUntilMs: NOW_MS })).toBe(true);
    expect(isReturnedAnew({ request: { ...REQUEST, regenerate: true } })).toBe(true);
  });
});

const asked = (kind: FailureKind, policy: Partial<TaskPolicy>, task: Task = newTask(around())): boolean =>
  isJudgedAnew(task, failureOf(kind), by(policy).spec.policy);

describe('what is asked of the history', () => {
  it('is nothing of a policy without anything new, but of the kinds that are', () => {
    const kinds = FAILURE_KINDS.filter((kind) => asked(kind, {}));
    expect(new Set(kinds)).toEqual(new Set(['agent-exhausted', 'secret-found', 'no-sandbox', 'regenerate-failed']));
  });

  it('is a second stall in a row, and no first one', () => {
    const rules = by({ retryStallsOnce: true });
    expect(asked('idle-timeout', { retryStallsOnce: true })).toBe(false);
    const stalled = due(failing('idle-timeout', rules), rules);
    expect(asked('idle-timeout', { retryStallsOnce: true }, stalled)).toBe(true);
    expect(asked('agent-failed', { retryStallsOnce: true }, stalled)).toBe(false);
    // Without a try left both rules ask a person.
    expect(asked('idle-timeout', { retryStallsOnce: true, attempts: 2 }, stalled)).toBe(false);
  });

  it('is a phase with tries of its own where they make a difference', () => {
    expect(asked('agent-failed', { phases: { understand: { attempts: 1 } } })).toBe(true);
    expect(asked('agent-failed', { attempts: 1, phases: { understand: { attempts: 2 } } })).toBe(true);
    expect(asked('agent-failed', { phases: { understand: { attempts: 5 } } })).toBe(false);
    expect(asked('agent-failed', { phases: { plan: { attempts: 1 } } })).toBe(false);
    expect(asked('worker-lost', { phases: { understand: { attempts: 1 } } })).toBe(false);
  });

  it('is a back-off of a project or phase of its own, when there is one', () => {
    expect(asked('agent-failed', { backoff: { firstMs: 5, capMs: 60_000 } })).toBe(true);
    expect(asked('agent-failed', { backoff: { firstMs: 1_000, capMs: 5_000 } })).toBe(true);
    expect(asked('agent-failed', { backoff: { firstMs: 1_000, capMs: 60_000 } })).toBe(false);
    expect(asked('agent-failed', { phases: { understand: { backoff: { firstMs: 5, capMs: 9 } } } })).toBe(true);
    expect(asked('agent-failed', { attempts: 1, backoff: { firstMs: 5, capMs: 9 } })).toBe(false);
    expect(asked('agent-limited', { backoff: { firstMs: 5, capMs: 9 } })).toBe(false);
  });

  it('is nothing when no attempt is under way', () => {
    const rules = by({});
    expect(asked('agent-exhausted', {}, failing('agent-failed', rules))).toBe(false);
  });
});
