import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, nextQueue, type Queue, type QueueEvent } from '../../src/core/queue.ts';
import { itemOf, NOW_MS } from './rig.ts';

function run(queue: Queue, ...events: readonly QueueEvent[]): Queue {
  return events.reduce((next, event) => nextQueue(next, event, { nowMs: NOW_MS, random: 0.5 }), queue);
}

function enqueued(task: number, attempt: number, title: string): QueueEvent {
  return { kind: 'enqueued', item: itemOf(task, attempt, { title }) };
}

describe('a hand-off that comes again under another title', () => {
  const queue = run(EMPTY_QUEUE, enqueued(1, 1, 'one'), enqueued(2, 4, 'two'), enqueued(3, 1, 'three'));

  it('is renamed where it waits, and keeps its place', () => {
    const renamed = run(queue, enqueued(2, 4, 'other'));
    expect(renamed.items.map(({ title }) => title)).toEqual(['one', 'other', 'three']);
    expect(renamed.items[1]).toEqual({ ...itemOf(2, 4), title: 'other' });
    expect(renamed.step).toBe(queue.step);
    expect(renamed.replies).toEqual([]);
  });

  it('keeps its title while it is under way, whose candidate has it already', () => {
    expect(run(queue, enqueued(1, 1, 'other'))).toBe(queue);
  });

  it('changes nothing when its title is the same, or when it is an older hand-off', () => {
    expect(run(queue, enqueued(2, 4, 'two'))).toBe(queue);
    expect(run(queue, enqueued(2, 3, 'other'))).toBe(queue);
  });
});
