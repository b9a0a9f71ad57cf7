import { describe, expect, it } from '@jest/globals';
import { queueViewOf, type Queue } from '../../src/core/queue.ts';
import { runsOf, withoutSlots } from '../../src/core/queue-slots.ts';
import { CHAIN, handedOff, keyOf, run, running, say, TARGET } from './queue-rig.ts';
import { NOW_MS } from './rig.ts';

/** Two are gated, one waits for a slot, one is in line. */
const begun = (task: number) => ({ kind: 'gate', key: keyOf(task), state: running(task) }) as const;
const QUEUE: Queue = { ...run(CHAIN, begun(1), begun(2), handedOff(4)), runTimes: [100] };
const VIEW = queueViewOf(QUEUE, TARGET, NOW_MS);

const seen = ({ rows }: typeof VIEW): readonly unknown[] =>
  rows.map(({ id, waitingFor, estimate }) => [id.slice(-1), waitingFor, estimate !== null]);

describe('the gate runs of a queue', () => {
  it('are asked after where nothing else is known that a row waits for', () => {
    expect(runsOf(VIEW)).toEqual([keyOf(1), keyOf(2)]);
    expect(runsOf(queueViewOf(run(QUEUE, say('pause')), TARGET, NOW_MS))).toEqual([]);
    const [first] = VIEW.rows;
    expect(runsOf({ rows: first === undefined ? [] : [first, first] })).toEqual([keyOf(1)]);
  });

  it('are not asked after before they have begun', () => {
    expect(runsOf(queueViewOf(CHAIN, TARGET, NOW_MS))).toEqual([]);
  });

  it('have no slot where those of other queues have them all: who waits for one is told so, and nobody behind has an estimate', () => {
    expect(seen(withoutSlots(VIEW, new Set()))).toEqual(seen(VIEW));
    expect(seen(withoutSlots(VIEW, new Set([keyOf(2)])))).toEqual([
      ['1', null, true],
      ['2', 'a gate slot: none is free', false],
      ['3', 'a gate slot', false],
      ['4', null, false],
    ]);
  });

  it('are those of the ones that are verified, too', () => {
    const { rows } = VIEW;
    const verified = { ...VIEW, rows: rows.map((row) => ({ ...row, state: 'verifying' as const })) };
    expect(seen(withoutSlots(verified, new Set([keyOf(1)])))[0]).toEqual(['1', 'a gate slot: none is free', false]);
  });
});
