import { describe, expect, it } from '@jest/globals';
import { FAILURE_KINDS } from '../../src/core/failure.ts';
import { policyOf } from '../../src/core/phase-policy.ts';
import { newTask, nextTask, type Task } from '../../src/core/task.ts';
import type { TaskPolicy } from '../../src/core/task-types.ts';
import { around, attemptEnded, done, failed, NOW_MS, SPEC } from './rig.ts';

const POLICY: TaskPolicy = {
  ...SPEC.policy,
  backoff: { firstMs: 10_000, capMs: 15_000 },
  phases: { plan: { attempts: 1, idleTimeoutMs: 7 }, execute: { attempts: 5, backoff: { firstMs: 100, capMs: 200 } } },
  retryStallsOnce: true,
};
const by = (policy: TaskPolicy, random = 0) => around({ spec: { ...SPEC, policy }, random });
const IDLE = failed('idle-timeout', { evidence: 'its last words' });

/** Waits out a back-off; the next attempt runs then. */
const due = (task: Task, policy: TaskPolicy = POLICY): Task =>
  nextTask(task, { kind: 'due' }, { ...by(policy), nowMs: NOW_MS + 3_600_000 });

/** How long each failure is waited for. */
function waits(random: number): number[] {
  let task = nextTask(newTask(by(POLICY)), attemptEnded(1, failed('agent-failed')), by(POLICY, random));
  const found = [];
  for (const attempt of [2, 3]) {
    if (task.stage.kind !== 'backoff') throw new Error(task.stage.kind);
    found.push(task.stage.untilMs - NOW_MS);
    task = nextTask(due(task), attemptEnded(attempt, failed('agent-failed')), by(POLICY, random));
  }
  return found;
}

describe('the policy of a phase', () => {
  it('is what holds for all, where the phase says nothing of itself', () => {
    const all = { attempts: 3, idleTimeoutMs: 1_000, totalTimeoutMs: 10_000 };
    expect(policyOf(SPEC.policy, 'plan')).toEqual({
      ...all,
      backoff: { firstMs: 1_000, factor: 2, capMs: 60_000 },
    });
    expect(policyOf(POLICY, 'revise')).toEqual({ ...all, backoff: { firstMs: 10_000, factor: 2, capMs: 15_000 } });
    expect(policyOf(POLICY, 'plan')).toMatchObject({ attempts: 1, idleTimeoutMs: 7, totalTimeoutMs: 10_000 });
    expect(policyOf(POLICY, 'execute')).toMatchObject({
      attempts: 5,
      backoff: { firstMs: 100, factor: 2, capMs: 200 },
    });
  });

  it('says how often a phase is tried, and no other one', () => {
    const first = nextTask(newTask(by(POLICY)), attemptEnded(1, failed('agent-failed')), by(POLICY));
    expect(first.stage).toMatchObject({ kind: 'backoff', phase: 'understand' });
    const planning = nextTask(due(first), attemptEnded(2, done()), by(POLICY));
    const stopped = nextTask(planning, attemptEnded(3, failed('agent-failed')), by(POLICY));
    expect(stopped.stage).toMatchObject({ kind: 'parked', phase: 'plan', why: 'attempts' });
  });

  it('says how long is waited, doubled up to the cap and half of it by chance', () => {
    expect(waits(0)).toEqual([5_000, 7_500]);
    expect(waits(0.999_999_9)).toEqual([10_000, 15_000]);
  });
});

describe('an attempt that stalled', () => {
  it('is tried once more, told of what it had printed; the second time in a row a person is asked', () => {
    const first = nextTask(newTask(by(POLICY)), attemptEnded(1, IDLE), by(POLICY));
    expect(first).toMatchObject({ tries: 1, stage: { kind: 'backoff' }, lastFailure: { evidence: 'its last words' } });
    const second = nextTask(due(first), attemptEnded(2, IDLE), by(POLICY));
    expect(second.stage).toMatchObject({ kind: 'parked', why: 'attempts', failure: { kind: 'idle-timeout' } });
    // Who retries it has it tried anew, and once more.
    const retried = nextTask(second, { kind: 'retry', actor: 'ada' }, by(POLICY));
    expect(nextTask(retried, attemptEnded(3, IDLE), by(POLICY)).stage).toMatchObject({ kind: 'backoff' });
  });

  it('has the tries that are left after another failure', () => {
    let task = nextTask(newTask(by(POLICY)), attemptEnded(1, failed('agent-failed')), by(POLICY));
    task = nextTask(due(task), attemptEnded(2, IDLE), by(POLICY));
    expect(task.stage).toMatchObject({ kind: 'backoff' });
    task = nextTask(due(task), attemptEnded(3, failed('agent-failed')), by(POLICY));
    expect(task.stage).toMatchObject({ kind: 'parked' });
  });

  it('is tried as often as what else fails in tasks that an older version has begun', () => {
    const { retryStallsOnce: _, ...older } = POLICY;
    const first = nextTask(newTask(by(older)), attemptEnded(1, IDLE), by(older));
    const second = nextTask(due(first, older), attemptEnded(2, IDLE), by(older));
    expect(second.stage).toMatchObject({ kind: 'backoff' });
  });
});

describe('an account without credit', () => {
  it('is for a person at once: no time ends it, and no try is spent', () => {
    const task = nextTask(newTask(around()), attemptEnded(1, failed('agent-exhausted')), around());
    expect(task).toMatchObject({ tries: 0, stage: { kind: 'parked', failure: { kind: 'agent-exhausted' } } });
  });
});

/** What comes of the first failure of each kind: the one table, as people meet it. */
describe('the first failure', () => {
  const AT_ONCE = { kind: 'phase', attempt: 2 };
  const LATER = { kind: 'backoff' };
  const PERSON = { kind: 'parked' };
  const ENDED = { kind: 'ended', end: 'failed' };
  const OTHERS: Readonly<Record<string, object>> = {
    'worker-lost': AT_ONCE,
    'worker-drained': AT_ONCE,
    'attempt-taken': AT_ONCE,
    'secret-found': PERSON,
    'agent-exhausted': PERSON,
    canceled: { kind: 'ended', end: 'canceled' },
    ...Object.fromEntries(
      [
        'agent-missing',
        'agent-not-signed-in',
        'bad-configuration',
        'no-sandbox',
        'project-taken',
        'landing-refused',
        'rejected',
        'unanswered',
      ].map((kind) => [kind, ENDED]),
    ),
  };

  it.each(FAILURE_KINDS.map((kind) => [kind, OTHERS[kind] ?? LATER] as const))('of kind %s', (kind, stage) => {
    const task = nextTask(newTask(around()), attemptEnded(1, failed(kind)), around());
    expect(task.stage).toMatchObject(stage);
    // Only what is tried again after a back-off spends a try.
    expect(task.tries).toBe(stage === LATER && kind !== 'agent-limited' ? 1 : 0);
  });
});
