import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, reconcile, type Queue, type QueueFact } from '../../src/core/queue.ts';
import { itemOf, NOW_MS } from './rig.ts';

function run(queue: Queue, ...facts: readonly QueueFact[]): Queue {
  return facts.reduce((next, fact) => reconcile(next, [fact], { nowMs: NOW_MS, random: 0.5 }).queue, queue);
}

function handedOff(task: number, attempt: number, title: string): QueueFact {
  return { kind: 'handed-off', item: itemOf(task, attempt, { title }) };
}

describe('a hand-off that comes again under another title', () => {
  const under = run(EMPTY_QUEUE, handedOff(1, 1, 'one'), handedOff(4, 1, 'four'));
  const queue = run(under, handedOff(2, 4, 'two'), handedOff(3, 1, 'three'));

  it('is renamed where it waits, and keeps its place', () => {
    const renamed = run(queue, handedOff(2, 4, 'other'));
    expect(renamed.line.map(({ item }) => item?.title)).toEqual(['other', 'three']);
    expect(renamed.line[0]).toEqual({ ...queue.line[0], item: itemOf(2, 4, { title: 'other' }) });
    expect(renamed.chain).toBe(queue.chain);
    expect(renamed.replies).toEqual([]);
  });

  it('keeps its title while it is under way, whose candidate has it already', () => {
    expect(run(queue, handedOff(1, 1, 'other'))).toBe(queue);
  });

  it('changes nothing when its title is the same, or when it is an older hand-off', () => {
    expect(run(queue, handedOff(2, 4, 'two'))).toBe(queue);
    expect(run(queue, handedOff(2, 3, 'other'))).toBe(queue);
  });

  it('has its new title from its task when its details are not at hand', () => {
    const line = queue.line.map((waiting) => ({ ...waiting, item: null }));
    const bare: Queue = { ...queue, line };
    expect(run(bare, handedOff(2, 4, 'other')).line).toEqual(line);
  });
});
