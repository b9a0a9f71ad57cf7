import { describe, expect, it } from '@jest/globals';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { MAX_DETAILED, MAX_LINE } from '../../src/core/queue-line.ts';
import { EMPTY_QUEUE, refusalAfter, refusalOf, type Queue } from '../../src/core/queue.ts';
import {
  ALL_TOLD,
  built,
  candidate,
  CHAIN,
  CLOCK,
  green,
  handedOff,
  keysOf,
  looked,
  MAIN,
  order,
  pushed,
  remove,
  run,
  say,
  stages,
  told,
  withdraw,
} from './queue-rig.ts';
import { itemOf, NOW_MS, objectId, REQUEST, taskId } from './rig.ts';

const attempts = ({ chain, line }: Queue): string[] =>
  [...chain.map(({ item }) => item), ...line].map(({ taskId: id, attempt }) => `${id.slice(-1)}/${attempt}`);

/** As after the workflow has begun its next run: of those in line little is known. */
const carried = (queue: Queue): Queue => unpackQueue(packQueue(queue));

const knownOf = (queue: Queue): number => queue.line.filter(({ item }) => item !== null).length;

describe('a newer hand-off of a task', () => {
  it('replaces an older one in line, which is answered', () => {
    const queue = run(CHAIN, handedOff(4), handedOff(4, 2));
    expect(told(queue)).toEqual(['4 withdrawn']);
    expect(attempts(queue)).toEqual(['1/1', '2/1', '3/1', '4/2']);
  });

  it('is not replaced by an older one that comes late', () => {
    const queue = run(CHAIN, handedOff(2, 2), ALL_TOLD);
    expect(attempts(queue)).toContain('2/2');
    expect(run(queue, handedOff(2))).toBe(queue);
    const inLine = run(CHAIN, handedOff(4, 2));
    expect(run(inLine, handedOff(4))).toBe(inLine);
  });

  it('waits in line until it is known whether the older one has landed, and has the turn that one is given', () => {
    const often = { returns: 2, mayReturn: 2, turnMs: 60_000 };
    const begun = run(
      EMPTY_QUEUE,
      handedOff(1, 1, often),
      built(1, candidate(1), null, { slots: 1 }),
      handedOff(2),
      handedOff(3),
      handedOff(4),
      green(1),
      pushed(1, { kind: 'held', why: 'origin', text: 'no answer' }),
      handedOff(1, 2, { placeMs: NOW_MS }),
    );
    expect(attempts(begun)).toEqual(['1/1', '2/1', '3/1', '4/1', '1/2']);
    expect(order(begun)).toBe('41');
    const due: Queue = {
      ...begun,
      chain: begun.chain.map((entry) => ({ ...entry, stage: { kind: 'building', sinceMs: NOW_MS } })),
    };
    const queue = run(due, built(1, { kind: 'conflict', request: REQUEST }, null, { main: null }));
    expect(queue.turn?.taskId).toBe(taskId(1));
    expect(attempts(queue)).toEqual(['2/1', '3/1', '1/2', '4/1']);
    expect(order(queue)).toBe('4');
    expect(keysOf(queue).filter((key) => key.startsWith('build'))).toEqual([]);
  });
});

describe('a line that is full', () => {
  it('takes no more tasks, but newer hand-offs of those that are in it', () => {
    const [waiting] = run(CHAIN, say('pause'), handedOff(4)).line;
    if (waiting === undefined) throw new Error('nobody waits');
    const others = Array.from({ length: MAX_LINE - 1 }, (_, at) => ({
      ...waiting,
      taskId: taskId(5),
      attempt: at + 2,
    }));
    const full: Queue = { ...run(CHAIN, say('pause')), line: [waiting, ...others] };
    expect(run(full, handedOff(6))).toBe(full);
    expect(run(full, handedOff(4, 2)).line[0]).toMatchObject({ taskId: taskId(4), attempt: 2 });
  });

  it('keeps the details of those at its front alone, whoever comes before them', () => {
    const many = Array.from({ length: MAX_DETAILED + 2 }, (_, at) => handedOff(at + 10));
    const full = run(CHAIN, say('pause'), ...many);
    expect([full.line.length, knownOf(full)]).toEqual([MAX_DETAILED + 2, MAX_DETAILED]);
    const front = run(full, handedOff(4, 1, { priority: 'hotfix' }));
    expect(front.line[0]?.item?.taskId).toBe(taskId(4));
    expect(knownOf(front)).toBe(MAX_DETAILED);
    expect(front.line.findIndex(({ item }) => item === null)).toBe(MAX_DETAILED);
  });
});

describe('one of whose details nothing is known', () => {
  const queue = carried(run(CHAIN, handedOff(4), handedOff(5)));

  it('can be asked back and taken out like any other', () => {
    expect(told(run(queue, withdraw(4)))).toEqual(['4 withdrawn']);
    expect(told(run(queue, remove(5)))).toEqual(['5 refused']);
    expect(attempts(run(queue, handedOff(4, 2)))).toEqual(['1/1', '2/1', '3/1', '4/2', '5/1']);
  });

  it('keeps its place when only others’ details have come', () => {
    const asked = [{ taskId: taskId(5), attempt: 1 }];
    const known = run(queue, { kind: 'details', asked, items: [itemOf(5, 1)], isWhole: false });
    expect(known.line.map(({ item }) => item?.title ?? null)).toEqual([null, 'Task 5']);
  });
});

describe('a withdrawal', () => {
  it('is answered once while its answer is under way, and again when it is asked again after that', () => {
    const once = run(CHAIN, withdraw(4));
    expect(told(once)).toEqual(['4 withdrawn']);
    expect(run(once, withdraw(4))).toBe(once);
    expect(told(run(once, ALL_TOLD, withdraw(4)))).toEqual(['4 withdrawn']);
  });

  it('after a push without an answer is asked of git though a person has paused the queue', () => {
    const doubtful = run(
      EMPTY_QUEUE,
      handedOff(1),
      built(1, candidate(1)),
      green(1),
      pushed(1, { kind: 'held', why: 'origin', text: 'no answer' }),
      say('pause'),
    );
    expect(keysOf(doubtful)).toEqual([]);
    expect(keysOf(run(doubtful, withdraw(1)))).toEqual([`build/${taskId(1)}/1/main`]);
  });
});

describe('an operator’s word', () => {
  it('that changes nothing says why', () => {
    const landing = run(CHAIN, green(1));
    const about = (action: 'promote' | 'remove', task: number) =>
      refusalOf(landing, { action, actor: 'Ada', taskId: taskId(task) });
    expect(about('promote', 2)).toBe(`${taskId(2)} is a candidate already`);
    expect(about('remove', 1)).toBe(`${taskId(1)} is being landed`);
    expect(about('remove', 2)).toBeNull();
    expect(about('promote', 7)).toBe(`${taskId(7)} does not wait for landing`);
  });

  it('is judged by all that came before it', () => {
    const resume = { action: 'resume', actor: 'Ada' } as const;
    expect(refusalAfter(CHAIN, [], resume, CLOCK)).toBe('the queue is not paused');
    expect(refusalAfter(CHAIN, [say('pause')], resume, CLOCK)).toBeNull();
    expect(refusalAfter(CHAIN, [say('pause'), say('resume')], resume, CLOCK)).toBe('the queue is not paused');
    expect(refusalAfter(CHAIN, [remove(1)], { ...resume, action: 'remove', taskId: taskId(1) }, CLOCK)).toBe(
      `${taskId(1)} does not wait for landing`,
    );
  });

  it('takes one on its way to main not back, whatever halts meanwhile', () => {
    const landing = run(CHAIN, green(1), say('pause'));
    expect(stages(run(landing, say('resume')))[0]).toBe('1 landing');
    expect(stages(run(landing, looked({ commit: objectId(50), since: 'ahead', vanished: [] })))[0]).toBe('1 landing');
  });
});

describe('the order of the line', () => {
  it('is by id where all else is the same', () => {
    const placeMs = NOW_MS;
    const queue = run(CHAIN, handedOff(6, 1, { placeMs }), handedOff(4, 1, { placeMs }), handedOff(5, 1, { placeMs }));
    expect(order(queue)).toBe('456');
  });

  it('lets a parent’s next one close up when its first has gone', () => {
    const parent = taskId(20);
    const queue = run(CHAIN, handedOff(4, 1, { parent }), handedOff(5, 1, { parent }), handedOff(6));
    expect(order(queue)).toBe('465');
    const gone = run(queue, withdraw(4));
    expect(order(gone)).toBe('65');
    // Too few have landed to say that anybody has waited long.
    expect(gone.waits).toEqual([]);
    const again = run(gone, looked(null));
    expect(order(again)).toBe('56');
    expect(again.line.map(({ lift }) => lift)).toEqual(['none', 'none']);
  });
});

describe('a queue that is handed on to the next run of its workflow', () => {
  it('has its line as it was, but for the details', () => {
    const parent = taskId(20);
    const whole = run(
      CHAIN,
      say('pause'),
      handedOff(4, 1, { parent }),
      handedOff(5, 2, { parent, priority: 'bulk' }),
      handedOff(6, 1, { priority: 'hotfix' }),
      { kind: 'control', control: { action: 'promote', actor: 'Ada', taskId: taskId(4) } },
    );
    const next = carried({ ...whole, line: whole.line.map((waiting, at) => ({ ...waiting, verified: at === 1 })) });
    // Of why they were told to wait, only that they were is kept.
    expect(next.line).toEqual(
      whole.line.map((waiting, at) => ({
        ...waiting,
        verified: at === 1,
        item: null,
        heldText: 'nothing lands for now',
      })),
    );
    expect(next.line.map(({ heldText }) => heldText)).not.toContain(null);
    expect(carried(run(CHAIN, handedOff(4))).line[0]?.heldText).toBeNull();
  });

  it('takes one whose class it does not know for a normal one', () => {
    const packed = packQueue(run(CHAIN, handedOff(4, 1, { priority: 'bulk' })));
    const line = packed.line.map((waiting) => waiting.replace(/^(\S+ \S+) \S+/, '$1 1i'));
    expect(unpackQueue({ ...packed, line }).line[0]).toMatchObject({
      taskId: taskId(4),
      priority: 'normal',
      lift: 'none',
      verified: false,
    });
  });
});

describe('word that says nothing new', () => {
  it('leaves the queue as it is', () => {
    const main = { commit: objectId(MAIN), since: 'same', vanished: [] } as const;
    expect(run(CHAIN, { kind: 'told', count: 0 })).toBe(CHAIN);
    expect(run(CHAIN, { kind: 'dropped', key: 'x' }).dropped).toEqual([]);
    expect(run(CHAIN, looked(main)).main).toBe(CHAIN.main);
    expect(
      run(CHAIN, {
        kind: 'main-gate',
        commit: objectId(50),
        key: 'x',
        state: { kind: 'running', runId: 'r', suspect: false },
      }),
    ).toBe(CHAIN);
  });
});
