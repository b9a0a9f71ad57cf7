import { describe, expect, it } from '@jest/globals';
import {
  EMPTY_QUEUE,
  MAX_ANSWERED,
  MAX_GATE_RUNS,
  MAX_GREEN,
  MAX_ITEMS_CHARS,
  nextQueue,
  type Queue,
  type QueueEvent,
} from '../../src/core/queue.ts';
import type { BuildResult } from '../../src/core/queue-types.ts';
import { candidateOf, failureOf, itemOf, LANDING, NOW_MS, objectId, REQUEST, taskId } from './rig.ts';
import {
  run,
  enqueued,
  withdraw,
  built,
  candidate,
  pushed,
  GREEN,
  NONE,
  LANDED,
  NO_ANSWER,
  ALL_TOLD,
  ONE,
  AT_LANDING,
  told,
} from './queue-rig.ts';

describe('an item that goes its way', () => {
  it('is built, gated, landed and answered, and the next one is built', () => {
    const queue = run(ONE, enqueued(2, 1), candidate(5), GREEN, LANDED);
    expect(queue.replies).toEqual([{ taskId: taskId(1), reply: { kind: 'landed', handoff: 3, landing: LANDING } }]);
    expect(queue).toMatchObject({ landed: 1, step: { kind: 'building' }, items: [{ attempt: 1 }] });
    expect(run(queue, candidate(6), GREEN, LANDED)).toMatchObject({ landed: 2, step: { kind: 'idle' }, items: [] });
  });

  it('needs no second gate run when its tree was seen green, here or by the ledger', () => {
    expect(run(ONE, candidate(5, true)).step.kind).toBe('landing');
    const again = run(AT_LANDING, pushed({ kind: 'moved' }));
    expect(again.step.kind).toBe('building');
    expect(run(again, candidate(5)).step.kind).toBe('landing');
    expect(run(again, candidate(6)).step.kind).toBe('gating');
  });

  it('remembers so many green trees and forgets the oldest', () => {
    let queue = ONE;
    for (let number = 0; number <= MAX_GREEN; number += 1) {
      queue = run(queue, candidate(number), GREEN, pushed({ kind: 'moved' }));
    }
    expect(queue.green).toHaveLength(MAX_GREEN);
    expect(run(queue, candidate(0)).step.kind).toBe('gating');
    expect(run(queue, candidate(1)).step.kind).toBe('landing');
  });

  it.each<[string, BuildResult]>([
    ['landed', { kind: 'landed', landing: LANDING }],
    ['nothing-to-land', { kind: 'nothing-to-land' }],
    ['returned', { kind: 'conflict', request: REQUEST }],
    ['refused', { kind: 'refused', failure: failureOf('landing-refused') }],
  ])('is answered %s when that is what building it found', (kind, result) => {
    const queue = run(ONE, built(result));
    expect(told(queue)).toEqual([`1/3 ${kind}`]);
    expect(queue.step.kind).toBe('idle');
  });

  it('is answered refused when the origin refused it', () => {
    expect(told(run(AT_LANDING, pushed({ kind: 'refused', failure: failureOf('landing-refused') })))).toEqual([
      '1/3 refused',
    ]);
  });

  it('is returned with the bounded evidence of a red gate', () => {
    const logTail = 'x'.repeat(100_000);
    const landedSince = [{ commit: objectId(8), title: 'A neighbour' }];
    const queue = run(ONE, candidate(5), {
      kind: 'gated',
      verdict: { kind: 'red', failedCommand: 'npm test', text: 'exited with 1\nsecond line', logTail, landedSince },
    });
    const [{ reply } = { reply: null }] = queue.replies;
    expect(reply).toMatchObject({
      kind: 'returned',
      request: { kind: 'red', text: 'exited with 1', main: objectId(9), landedSince },
    });
    expect(JSON.stringify(reply).length).toBeLessThan(17_000);
    expect(queue.green).toEqual([]);
  });
});

describe('an item that is held', () => {
  it('tells its task once a reason, and again when it goes on', () => {
    const held = built({ kind: 'held', why: 'origin', text: 'the origin is away' });
    const due: QueueEvent = { kind: 'due' };
    const later = { nowMs: NOW_MS + 60_000, random: 0.5 };
    let queue = run(ONE, held);
    expect(queue.step).toMatchObject({ kind: 'holding', tries: 1 });
    queue = run(nextQueue(queue, due, later), held);
    expect(queue.step).toMatchObject({ kind: 'holding', tries: 2 });
    expect(told(queue)).toEqual(['1/3 held']);
    queue = run(nextQueue(queue, due, later), candidate(5));
    expect(queue.replies.at(-1)?.reply).toEqual({ kind: 'held', handoff: 3, held: null });
    expect(run(queue, NONE, NONE, NONE).replies).toHaveLength(3);
  });

  it('holds when the gate could not be run to its end so many times', () => {
    let queue = run(ONE, candidate(5));
    for (let gateRun = 1; gateRun < MAX_GATE_RUNS; gateRun += 1) {
      queue = run(queue, NONE);
      expect(queue.step).toMatchObject({ kind: 'gating', run: gateRun + 1 });
    }
    expect(run(queue, NONE).step).toMatchObject({ kind: 'holding', held: { kind: 'gate' } });
  });

  it('cuts a reason that is long', () => {
    const queue = run(ONE, built({ kind: 'held', why: 'engine', text: 'x'.repeat(100_000) }));
    expect(JSON.stringify(queue).length).toBeLessThan(5_000);
  });
});

describe('a hand-off that comes again', () => {
  it('is the same while it waits, whatever its place in line', () => {
    const queue = run(ONE, enqueued(2, 1), enqueued(3, 1));
    expect(run(queue, enqueued(1, 3), enqueued(2, 1))).toBe(queue);
  });

  it('gets its first answer again and is not landed after it was returned', () => {
    const queue = run(ONE, built({ kind: 'conflict', request: REQUEST }), ALL_TOLD, enqueued(1, 3));
    expect(told(queue)).toEqual(['1/3 returned']);
    expect(queue).toMatchObject({ items: [], step: { kind: 'idle' } });
  });

  it('is not told twice while the first answer is still under way', () => {
    const queue = run(ONE, built({ kind: 'nothing-to-land' }), enqueued(1, 3), withdraw(1, 3));
    expect(told(queue)).toEqual(['1/3 nothing-to-land']);
  });

  it('is another one when its head is another', () => {
    const queue = run(ONE, built({ kind: 'nothing-to-land' }), ALL_TOLD, {
      kind: 'enqueued',
      item: itemOf(1, 3, { head: objectId(77) }),
    });
    expect(queue.step.kind).toBe('building');
  });

  it('is forgotten after so many others, so that what the workflow carries stays small', () => {
    let queue = EMPTY_QUEUE;
    for (let attempt = 1; attempt <= MAX_ANSWERED + 50; attempt += 1) {
      queue = run(queue, enqueued(1, attempt), built({ kind: 'conflict', request: REQUEST }), ALL_TOLD);
    }
    expect(queue.answered).toHaveLength(MAX_ANSWERED);
  });
});

describe('a newer hand-off of a task', () => {
  it('replaces an older one that still waits, which is answered, and keeps its place when it comes again', () => {
    const queue = run(ONE, enqueued(2, 1), enqueued(2, 2), enqueued(3, 1));
    expect(queue.items.map(({ attempt }) => attempt)).toEqual([3, 2, 1]);
    expect(told(queue)).toEqual(['2/1 withdrawn']);
    expect(run(queue, enqueued(2, 2))).toBe(queue);
  });

  it('waits behind an older one that is under way', () => {
    const queue = run(ONE, enqueued(1, 4), enqueued(1, 4));
    expect(queue.items.map(({ attempt }) => attempt)).toEqual([3, 4]);
    expect(queue.replies).toEqual([]);
  });
});

describe('a line that is full', () => {
  it('takes no more until there is room, since tasks hand off again, and stays in bounds', () => {
    let queue = ONE;
    const tasks = 600;
    for (let task = 2; task < tasks; task += 1) {
      queue = run(queue, { kind: 'enqueued', item: itemOf(task, 1, { summary: 'x'.repeat(1_000) }) });
    }
    expect(queue.items.length).toBeLessThan(tasks / 2);
    expect(JSON.stringify(queue.items).length).toBeLessThan(MAX_ITEMS_CHARS + 5_000);
    expect(queue.replies).toEqual([]);
  });
});

describe('a withdrawal', () => {
  it('takes a waiting item out of the line and tells its task', () => {
    const queue = run(ONE, enqueued(2, 1), withdraw(2, 1));
    expect(told(queue)).toEqual(['2/1 withdrawn']);
    expect(queue.items).toHaveLength(1);
  });

  it('leaves alone a newer hand-off than the one that it names', () => {
    const queue = run(ONE, enqueued(2, 2), withdraw(2, 1));
    expect(queue.items).toHaveLength(2);
    expect(told(queue)).toEqual(['2/1 withdrawn']);
  });

  it('takes the newer hand-off that waits and leaves the older one under way', () => {
    const queue = run(ONE, enqueued(1, 4), withdraw(1, 4));
    expect(queue.items.map(({ attempt }) => attempt)).toEqual([3]);
    expect(told(queue)).toEqual(['1/4 withdrawn']);
  });

  it('of a hand-off that has not come is kept: it does not land when it comes yet', () => {
    const queue = run(EMPTY_QUEUE, withdraw(1, 3), ALL_TOLD, enqueued(1, 3));
    expect(queue.items).toEqual([]);
    expect(told(queue)).toEqual(['1/3 withdrawn']);
    expect(run(queue, enqueued(1, 4)).step.kind).toBe('building');
  });

  it('of an item that has landed gets that answer again, not withdrawn', () => {
    expect(told(run(AT_LANDING, LANDED, ALL_TOLD, withdraw(1, 3)))).toEqual(['1/3 landed']);
  });

  it('during a push counts as soon as the push is known not to have landed', () => {
    const asked = run(AT_LANDING, withdraw(1, 3));
    expect(asked.step).toBe(AT_LANDING.step);
    expect(asked.replies).toEqual([]);
    expect(told(run(asked, LANDED))).toEqual(['1/3 landed']);
    expect(told(run(asked, pushed({ kind: 'moved' })))).toEqual(['1/3 withdrawn']);
  });

  it('after a push without an answer waits until git has said whether it landed', () => {
    const doubtful = run(AT_LANDING, NO_ANSWER);
    const asked = run(doubtful, withdraw(1, 3));
    expect(asked).toMatchObject({ doubt: 'withdraw', step: { kind: 'building' } });
    expect(told(asked)).toEqual(['1/3 held']);
    expect(run(asked, withdraw(1, 3))).toBe(asked);
    expect(told(run(asked, built({ kind: 'landed', landing: LANDING })))).toEqual(['1/3 held', '1/3 landed']);
    const held = run(asked, built({ kind: 'held', why: 'origin', text: 'no answer to the fetch' }));
    expect(held).toMatchObject({ doubt: 'withdraw', step: { kind: 'holding' } });
    const known = run(asked, candidate(5, true));
    expect(told(known)).toEqual(['1/3 held', '1/3 withdrawn']);
    expect(known).toMatchObject({ doubt: 'none', step: { kind: 'idle' }, items: [] });
  });

  it('while the doubtful item is built again counts when it is built', () => {
    const building = nextQueue(run(AT_LANDING, NO_ANSWER), { kind: 'due' }, { nowMs: NOW_MS + 60_000, random: 0 });
    const asked = run(building, withdraw(1, 3));
    expect(asked.step).toBe(building.step);
    expect(told(run(asked, candidate(5))).at(-1)).toBe('1/3 withdrawn');
  });

  it('during a push that is held stays asked for', () => {
    expect(run(AT_LANDING, withdraw(1, 3), NO_ANSWER)).toMatchObject({ doubt: 'withdraw', step: { kind: 'holding' } });
  });
});

describe('a queue whose main is not what was tested', () => {
  const STOPPED = run(ONE, enqueued(2, 1), candidate(5), GREEN, pushed({ kind: 'mismatch', text: 'another tree' }));

  it('stops, lands nothing more, and tells every task that a person has to look', () => {
    expect(STOPPED).toMatchObject({ landed: 0, step: { kind: 'stopped', text: 'another tree' } });
    const later = run(STOPPED, enqueued(3, 1), LANDED, GREEN, candidate(6));
    expect(later.step).toBe(STOPPED.step);
    expect(told(later)).toEqual(['1/3 held', '2/1 held', '3/1 held']);
  });

  it('lets go of those that wait and not of the one that may be on main', () => {
    expect(told(run(STOPPED, ALL_TOLD, withdraw(1, 3), withdraw(2, 1)))).toEqual(['2/1 withdrawn']);
  });
});

describe('an empty line', () => {
  it('comes to rest whatever it is told', () => {
    const odd: Queue = { ...EMPTY_QUEUE, step: { kind: 'building', sinceMs: NOW_MS } };
    const gating: Queue = {
      ...EMPTY_QUEUE,
      step: { kind: 'gating', candidate: candidateOf(5), run: 1, sinceMs: NOW_MS },
    };
    const red: QueueEvent = {
      kind: 'gated',
      verdict: { kind: 'red', failedCommand: '', text: '', logTail: '', landedSince: [] },
    };
    expect(run(odd, built({ kind: 'nothing-to-land' }))).toMatchObject({ step: { kind: 'idle' }, replies: [] });
    expect(run(gating, red)).toMatchObject({ step: { kind: 'idle' }, replies: [] });
    expect(run(gating, GREEN, LANDED)).toMatchObject({ step: { kind: 'idle' }, replies: [] });
  });
});
