/** Who waits in line and was told that nothing lands is told when landing goes on. */

import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, NEW_QUEUE, type Queue, type QueueFact } from '../../src/core/queue.ts';
import { MAX_TOLD_IN_LINE } from '../../src/core/queue-answers.ts';
import { RULES } from '../../src/core/queue-state.ts';
import { ALL_TOLD, CHAIN, green, handedOff, MAIN, MAIN_RED, mainGate, red, run, say, told } from './queue-rig.ts';
import { itemOf, NOW_MS, objectId, taskId } from './rig.ts';

/** Paused, with so many in line, each of which was told. */
function paused(begin: Queue, tasks: number): Queue {
  const items = Array.from({ length: tasks }, (_, at) => itemOf(1, 1, { taskId: taskId(at + 1), placeMs: at }));
  const queue = run(begin, say('pause'), ...items.map((item): QueueFact => ({ kind: 'handed-off', item })));
  expect(queue.replies).toHaveLength(tasks);
  return run(queue, ALL_TOLD, ALL_TOLD, ALL_TOLD);
}

/** Main is red, and is being gated once more. */
function onRedMain(): Queue {
  const main = { commit: objectId(MAIN), standing: 'red', foreign: false } as const;
  const redMain = { text: 'main is red', logTail: '', sinceMs: NOW_MS, tries: 1, againMs: NOW_MS };
  return { ...NEW_QUEUE, main, redMain, mainRun: { commit: main.commit, begun: null, again: true, sinceMs: NOW_MS } };
}

const toldThatItGoesOn = ({ replies }: Queue): number =>
  replies.filter(({ reply }) => reply.kind === 'held' && reply.held === null).length;

describe('one in line', () => {
  it('is told that landing goes on by resume, once', () => {
    const resumed = run(paused(NEW_QUEUE, 3), say('resume'));
    expect(told(resumed)).toEqual(['1 held', '2 held', '3 held']);
    expect(toldThatItGoesOn(resumed)).toBe(3);
    expect(told(run(resumed, ALL_TOLD, handedOff(3), handedOff(2)))).toEqual([]);
  });

  it('is not told by it when a signal each would be too many: it is when it asks again', () => {
    const tasks = MAX_TOLD_IN_LINE + 2;
    const resumed = run(paused(NEW_QUEUE, tasks), say('resume'));
    expect(toldThatItGoesOn(resumed)).toBe(MAX_TOLD_IN_LINE);
    const last = { kind: 'handed-off', item: itemOf(1, 1, { taskId: taskId(tasks) }) } as const;
    expect(toldThatItGoesOn(run(resumed, ALL_TOLD, last))).toBe(1);
  });

  it('is told when main, which was red, is green again', () => {
    const red = run(onRedMain(), handedOff(1), handedOff(2));
    expect(told(red)).toEqual(['1 held', '2 held']);
    const again = run(red, ALL_TOLD, mainGate({ kind: 'green' }));
    expect([told(again), toldThatItGoesOn(again)]).toEqual([['1 held', '2 held'], 2]);
  });

  it('is not told by resume while main itself is red', () => {
    const stopped = run(onRedMain(), handedOff(1), say('pause'), ALL_TOLD);
    expect(toldThatItGoesOn(run(stopped, say('resume')))).toBe(0);
  });

  it('is told by resume that main is red, where it is in the chain', () => {
    const onRed = run({ ...CHAIN, ...RULES }, red(1), mainGate(MAIN_RED), ALL_TOLD);
    const stopped = run(onRed, say('pause'), ALL_TOLD);
    const resumed = run(stopped, say('resume'));
    expect(resumed.redMain).not.toBeNull();
    expect(resumed.chain.map(({ heldText }) => heldText)).toEqual(resumed.chain.map(() => resumed.redMain?.text));
    expect(told(resumed)).toHaveLength(resumed.chain.length);
    expect(toldThatItGoesOn(resumed)).toBe(0);
  });

  it('that is verified is told what comes of that', () => {
    const verifying = run({ ...NEW_QUEUE, window: 1, verify: true }, handedOff(1), handedOff(2));
    const stopped = run(verifying, say('pause'), handedOff(1), handedOff(2), ALL_TOLD);
    const checked = stopped.checks.map(({ item }) => item.taskId);
    expect(checked.length).toBeGreaterThan(0);
    const toldTasks = run(stopped, say('resume')).replies.map(({ taskId: id }) => id);
    expect(toldTasks.filter((id) => checked.includes(id))).toEqual([]);
  });

  it('of a queue of an older version is told when it asks again', () => {
    const resumed = run(paused({ ...EMPTY_QUEUE, oneTurn: true }, 3), say('resume'), green(1));
    expect(told(resumed)).toEqual([]);
    expect(told(run(resumed, handedOff(3)))).toEqual(['3 held']);
  });
});
