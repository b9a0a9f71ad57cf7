/** Tasks in line that do not say what they hand off. */

import { describe, expect, it } from '@jest/globals';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { NEW_QUEUE, queueViewOf, type Queue, type QueueFact } from '../../src/core/queue.ts';
import { commandsOf, handedOff, order, run, stages, TARGET } from './queue-rig.ts';
import { itemOf, NOW_MS, taskId } from './rig.ts';

const FULL = run(NEW_QUEUE, ...[1, 2, 3, 4, 5].map((task) => handedOff(task)));
/** As after its workflow has begun its next run: of those in line nothing is at hand. */
const NEXT_RUN: Queue = unpackQueue(packQueue({ ...FULL, chain: [] }));
const { redRests: _, ...BEFORE } = NEXT_RUN;

const wanted = (task: number) => ({ taskId: taskId(task), attempt: 1 });

function answered(...tasks: readonly number[]): QueueFact {
  const all = [3, 4, 5];
  const silent = all.filter((task) => !tasks.includes(task)).map(wanted);
  const items = tasks.map((task) => itemOf(task, 1));
  return { kind: 'details', asked: tasks.map(wanted), items, isWhole: silent.length === 0, silent };
}

const rowOf = (queue: Queue, task: number) =>
  queueViewOf(queue, TARGET, NOW_MS).rows.find(({ id }) => id === taskId(task));

describe('a task in line that does not answer', () => {
  it('is not passed before it was asked', () => {
    expect(order(NEXT_RUN)).toBe('345');
    expect(stages(run(NEXT_RUN, handedOff(6)))).toEqual([]);
  });

  it('lets those pass that do, and is asked again', () => {
    const queue = run(NEXT_RUN, answered(4, 5));
    expect(stages(queue)).toEqual(['4 building', '5 building']);
    expect(order(queue)).toBe('3');
    expect(rowOf(queue, 3)?.waitingFor).toMatch(/^its task, which does not answer/);
    expect(commandsOf(queue).find(({ kind }) => kind === 'details')).toMatchObject({ wanted: [wanted(3)] });
  });

  it('is taken in its place once it does', () => {
    const queue = run(NEXT_RUN, answered(), answered(3, 4, 5));
    expect(stages(queue)).toEqual(['3 building', '4 building']);
    expect(rowOf(queue, 5)?.waitingFor).toBeNull();
  });

  it('has those behind it wait where its queue goes by the older rules', () => {
    const queue = run(BEFORE, answered(4, 5));
    expect(stages(queue)).toEqual([]);
    expect(rowOf(queue, 3)?.waitingFor).toBeNull();
  });
});
