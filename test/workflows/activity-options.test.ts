import { describe, expect, it } from '@jest/globals';
import {
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  RetryState,
  ServerFailure,
  TerminatedFailure,
  TimeoutFailure,
  TimeoutType,
} from '@temporalio/common';
import { classOf } from '../../src/core/failure.ts';
import { failureOfActivity, reasonOf } from '../../src/workflows/activity-options.ts';

function failed(cause: Error | undefined): ActivityFailure {
  return new ActivityFailure('Activity task failed', 'runPhase', '1', RetryState.MAXIMUM_ATTEMPTS_REACHED, 'w', cause);
}

describe('an attempt whose activity', () => {
  it.each([TimeoutType.HEARTBEAT, TimeoutType.START_TO_CLOSE, TimeoutType.SCHEDULE_TO_START])(
    'timed out (%s) was lost with its worker, and spends no try',
    (type) => {
      const failure = failureOfActivity(failed(new TimeoutFailure('activity timed out', undefined, type)));
      expect(failure).toMatchObject({ kind: 'worker-lost', message: expect.stringContaining(type) });
      expect(classOf(failure.kind)).toBe('lost');
      expect(failure.next).toMatch(/tasks status/);
    },
  );

  it.each([failed(new CancelledFailure('canceled')), new CancelledFailure('canceled')])(
    'was canceled is canceled',
    (error) => expect(failureOfActivity(error)).toMatchObject({ kind: 'canceled' }),
  );

  it('threw is the engine’s fault, with what it said and where', () => {
    const failure = failureOfActivity(failed(ApplicationFailure.create({ message: 'the mirror is gone' })));
    expect(failure).toMatchObject({
      kind: 'engine-error',
      message: 'the engine failed while it ran the attempt: the mirror is gone',
      next: expect.stringMatching(/tasks retry/),
    });
    expect(failure.evidence?.length).toBeGreaterThan(0);
    expect(classOf(failure.kind)).toBe('retryable');
  });

  it('threw with a stack as long as a book keeps its beginning', () => {
    const cause = ApplicationFailure.create({ message: 'deep' });
    cause.stack = 'x'.repeat(1_000_000);
    expect(failureOfActivity(failed(cause)).evidence?.length).toBeLessThanOrEqual(8_192);
  });

  it('threw a message of many lines says one line that is not too long', () => {
    const { message } = failureOfActivity(
      failed(ApplicationFailure.create({ message: `one\n${'two '.repeat(10_000)}` })),
    );
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(1_000);
  });

  it.each([
    new ServerFailure('lost', true),
    new TerminatedFailure('ended', undefined),
    new Error('odd'),
    'a text',
    undefined,
  ])('ended by %s is tried again', (cause) => {
    const error = cause instanceof Error ? failed(cause) : cause;
    expect(failureOfActivity(error)).toMatchObject({ kind: 'engine-error' });
  });
});

describe('the reason of a failure', () => {
  it('is the cause’s own words, without Temporal’s wrapping', () => {
    expect(reasonOf(failed(ApplicationFailure.create({ message: 'no space left' })))).toBe('no space left');
    expect(reasonOf(failed(undefined))).toBe('Activity task failed');
    expect(reasonOf(new Error('plain'))).toBe('plain');
    expect(reasonOf('a text')).toBe('a text');
  });
});
