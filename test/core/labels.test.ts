import { describe, expect, it } from '@jest/globals';
import { checkRequired, hasLabels, labelKey, labelsOfKey, parseLabels, waitForLabels } from '../../src/core/labels.ts';
import { nextTask } from '../../src/core/task.ts';
import { around, attemptEnded, done, failed, messageOf, taskIn, valueOf } from './rig.ts';

describe('labels', () => {
  it('are each taken once', () => {
    expect(valueOf(parseLabels('linux, gpu,linux'))).toEqual(['gpu', 'linux']);
  });

  it.each(['', 'GPU', 'a b', 'x'.repeat(41), '-x', 'a,,b', Array.from({ length: 21 }, (_, i) => `l${i}`).join(',')])(
    'are refused when they are %j',
    (text) => {
      expect(messageOf(parseLabels(text))).toMatch(/is no label|too many/);
    },
  );
});

describe('the labels that a task requires', () => {
  it('are each taken once, in one order', () => {
    expect(valueOf(checkRequired(['linux', 'gpu', 'linux']))).toEqual(['gpu', 'linux']);
    expect(valueOf(checkRequired([]))).toEqual([]);
  });

  it('are five at the most, so that their set can be named', () => {
    const labels = Array.from({ length: 6 }, (_, i) => `${i}${'x'.repeat(39)}`);
    expect(messageOf(checkRequired(labels))).toMatch(/6 labels are too many; at most 5/);
    expect(labelKey(valueOf(checkRequired(labels.slice(1)))).length).toBeLessThan(210);
  });

  it('have one name, whatever their order, and no other set has it', () => {
    expect(labelKey(['linux', 'gpu'])).toBe('gpu+linux');
    expect(labelKey(['gpu', 'linux', 'gpu'])).toBe('gpu+linux');
    expect(labelKey([])).toBe('');
    expect(labelsOfKey('gpu+linux')).toEqual(['gpu', 'linux']);
  });

  it.each(['', '+', 'linux+gpu', 'gpu+gpu', "gpu' OR '1'='1"])('are none by the name %j', (key) => {
    expect(labelsOfKey(key)).toBeNull();
  });

  it('are met by a worker that has them all', () => {
    expect(hasLabels(['gpu', 'linux'], ['gpu'])).toBe(true);
    expect(hasLabels(['gpu', 'linux'], [])).toBe(true);
    expect(hasLabels(['gpu'], ['gpu', 'linux'])).toBe(false);
  });

  it('are told as what a phase waits for, and for nobody', () => {
    expect(waitForLabels(['gpu', 'linux'], '2026-01-02T03:04:05.000Z')).toEqual({
      kind: 'host',
      text: 'a free slot of a worker with gpu, linux',
      since: '2026-01-02T03:04:05.000Z',
      version: null,
      proposal: null,
      for: null,
      open: 0,
    });
  });
});

describe('the queue that the next phase is offered to first', () => {
  const near = { ...done(), near: 'host/ada' };

  it('is that of the host of the last attempt', () => {
    const planning = nextTask(taskIn('phase'), attemptEnded(1, near), around());
    expect(planning.near).toBe('host/ada');
    expect(nextTask(planning, attemptEnded(2, { ...near, near: 'host/bob' }), around()).near).toBe('host/bob');
  });

  it('is none after an attempt that said none, or of which nobody knows', () => {
    const planning = nextTask(taskIn('phase'), attemptEnded(1, near), around());
    for (const outcome of [done(), failed('worker-lost')])
      expect(nextTask(planning, attemptEnded(2, outcome), around())).not.toHaveProperty('near');
  });
});
