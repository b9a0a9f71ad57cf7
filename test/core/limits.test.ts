import { describe, expect, it } from '@jest/globals';
import { newestWithin } from '../../src/core/bounds.ts';
import { classOf, FAILURE_KINDS, MAX_EVIDENCE_CHARS, tailOf, type FailureKind } from '../../src/core/failure.ts';
import { backoffMs, HOLD_BACKOFF, PHASE_BACKOFF, RECORD_BACKOFF } from '../../src/core/retry.ts';
import { END_KINDS, isEnd, TASK_STATES, waitsForPerson } from '../../src/core/task-types.ts';

describe('the newest items within a bound', () => {
  it('are all of them, the same object, when they fit', () => {
    const items = ['a', 'b'];
    expect(newestWithin(items, 2, 6)).toBe(items);
    expect(newestWithin([], 2, 6)).toEqual([]);
  });

  it('leave out the oldest, by number and by size', () => {
    expect(newestWithin(['a', 'b', 'c'], 2, 100)).toEqual(['b', 'c']);
    expect(newestWithin(['a', 'b', 'c'], 3, 6)).toEqual(['b', 'c']);
  });

  it('have the last one whatever its size', () => {
    expect(newestWithin(['a', 'x'.repeat(100)], 3, 6)).toEqual(['x'.repeat(100)]);
  });
});

describe('the class of a failure', () => {
  it('is known of every kind', () => {
    for (const kind of FAILURE_KINDS) {
      expect(['retryable', 'stopped', 'exhausted', 'limited', 'lost', 'fatal', 'canceled']).toContain(classOf(kind));
    }
  });

  it.each(['from-a-newer-worker', 'constructor'])('is retryable of the unknown kind %s', (kind) => {
    expect(classOf(kind as FailureKind)).toBe('retryable');
  });
});

describe('the tail of a text', () => {
  it('is the text when it fits', () => {
    expect(tailOf('abc', 3)).toBe('abc');
  });

  it('is never longer than it may be, and says that it was cut', () => {
    const tail = tailOf('x'.repeat(MAX_EVIDENCE_CHARS + 1));
    expect(tail).toHaveLength(MAX_EVIDENCE_CHARS);
    expect(tail.startsWith('[…]\n')).toBe(true);
    for (const max of [0, 1, 4, 5]) expect(tailOf('abcdefgh', max).length).toBeLessThanOrEqual(max);
  });

  it('begins at a line where one is near, and at a whole character', () => {
    expect(tailOf('first line\nsecond', 15)).toBe('[…]\nsecond');
    expect(tailOf(`${'y'.repeat(500)}\n${'x'.repeat(600)}`, 1_050)).toHaveLength(1_050);
    expect(tailOf('ab👍c', 6 - 1)).toBe('ab👍c');
    expect(tailOf('abcd👍c', 6)).toBe('[…]\nc');
  });
});

describe('the back-off', () => {
  it('grows to its cap and is spread over the upper half', () => {
    expect(backoffMs(PHASE_BACKOFF, 1, 0)).toBe(500);
    expect(backoffMs(PHASE_BACKOFF, 1, 1)).toBe(1_000);
    expect(backoffMs(PHASE_BACKOFF, 0, 0)).toBe(500);
    expect(backoffMs(PHASE_BACKOFF, 3, 0)).toBe(2_000);
    expect(backoffMs(HOLD_BACKOFF, 100_000, 0.999)).toBeLessThanOrEqual(HOLD_BACKOFF.capMs);
    expect(backoffMs(RECORD_BACKOFF, 1e9, 0)).toBe(RECORD_BACKOFF.capMs / 2);
  });
});

describe('a file of types', () => {
  it('is nothing at run time, but for the values that a type is made of', async () => {
    expect(Object.keys(await import('../../src/core/queue-types.ts'))).toEqual([]);
    expect(Object.keys(await import('../../src/core/task-events.ts'))).toEqual([]);
    expect(Object.keys(await import('../../src/core/notice-types.ts'))).toEqual([]);
    expect(Object.keys(await import('../../src/core/queue-batch-types.ts'))).toEqual([]);
    expect(Object.keys(await import('../../src/core/queue-check-types.ts'))).toEqual([]);
    expect(Object.keys(await import('../../src/core/queue-exchange.ts'))).toEqual([]);
    expect(Object.keys(await import('../../src/core/project.ts'))).toEqual(['GATE_MODES', 'SANDBOX_MODES']);
  });
});

describe('the names of states', () => {
  it('tell ends from the others', () => {
    expect(TASK_STATES.filter(isEnd)).toEqual(END_KINDS);
    expect(isEnd('landing')).toBe(false);
  });

  it('tell waiting for a person from waiting for a time', () => {
    expect(waitsForPerson('question')).toBe(true);
    expect(waitsForPerson('limit')).toBe(false);
  });
});
