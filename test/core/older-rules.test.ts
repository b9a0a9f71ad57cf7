import { describe, expect, it } from '@jest/globals';
import { FAILURE_KINDS, type FailureKind } from '../../src/core/failure.ts';
import { isJudgedAnew } from '../../src/core/older-rules.ts';
import { newTask, nextTask, type Surroundings, type Task } from '../../src/core/task.ts';
import type { TaskPolicy } from '../../src/core/task-types.ts';
import { around, attemptEnded, failed, failureOf, NOW_MS, REQUEST, SPEC } from './rig.ts';

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
