import { describe, expect, it } from '@jest/globals';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import type { QueueFact } from '../../src/core/queue.ts';
import { CHAIN, handedOff, looked, order, run, say } from './queue-rig.ts';
import { taskId } from './rig.ts';

const promote = (task: number): QueueFact => ({
  kind: 'control',
  control: { action: 'promote', actor: 'Ada', taskId: taskId(task) },
});

describe('one that a person promotes', () => {
  const parent = taskId(20);
  const line = run(
    CHAIN,
    say('pause'),
    handedOff(4),
    handedOff(5, 1, { parent }),
    handedOff(6, 1, { parent }),
    handedOff(7, 1, { priority: 'hotfix' }),
  );

  it('is the next one, behind hotfixes, also when another was promoted before', () => {
    expect(order(run(line, promote(5)))).toBe('7546');
    expect(order(run(line, promote(5), promote(6)))).toBe('7654');
    expect(order(run(line, promote(5), promote(6), promote(5)))).toBe('7564');
  });

  it('keeps its place when the queue is looked at and carried on', () => {
    const promoted = run(line, promote(6), promote(4), looked(null));
    expect(order(promoted)).toBe('7465');
    const carried = unpackQueue(packQueue(promoted));
    expect(carried.line.map(({ parent: of, nth }) => [of, nth])).toEqual(
      promoted.line.map(({ parent: of, nth }) => [of, nth]),
    );
    expect(order(run(carried, promote(5)))).toBe('7546');
  });

  it('is read from what an earlier version has carried, which knew no order of them', () => {
    const packed = packQueue(run(line, promote(4)));
    const before = packed.line.map((waiting) => waiting.replace(/ - -1$/, ''));
    expect(before).not.toEqual(packed.line);
    expect(order(run(unpackQueue({ ...packed, line: before }), promote(6)))).toBe('7645');
  });
});
