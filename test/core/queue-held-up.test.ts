/** Nobody who may not go on keeps a hotfix, or who has its turn, from going on: not on a red main, nor in a turn. */

import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, NEW_QUEUE, type Queue, type QueueFact } from '../../src/core/queue.ts';
import type { QueueItem } from '../../src/core/queue-types.ts';
import {
  ALL_TOLD,
  at,
  built,
  candidate,
  commandsOf,
  green,
  handedOff,
  keyOf,
  keysOf,
  landed,
  MAIN_RED,
  mainGate,
  order,
  pushed,
  red,
  run,
  say,
  stages,
  started,
  told,
  withdraw,
} from './queue-rig.ts';
import { itemOf, NOW_MS, objectId, REQUEST, taskId } from './rig.ts';

const TURN_MS = 60_000;
const OFTEN: Partial<QueueItem> = { returns: 2, mayReturn: 2, turnMs: TURN_MS };
const AGAIN: Partial<QueueItem> = { ...OFTEN, returns: 3 };
const HOTFIX: Partial<QueueItem> = { priority: 'hotfix' };
const CONFLICT = { kind: 'conflict', request: REQUEST } as const;
const LATER_MS = NOW_MS + TURN_MS + 1_000;

const second = (fact: ReturnType<typeof built>): QueueFact => ({ ...fact, attempt: 2 }) as QueueFact;
const buildsOf = (queue: Queue, nowMs = NOW_MS): readonly string[] =>
  keysOf(queue, nowMs).filter((key) => key.startsWith('build'));

/** The first is a candidate, and as many as there is room for conflict with it and wait behind it. */
function crowded(begin: Queue, tasks: number): Queue {
  let queue: Queue = { ...run(begin, handedOff(1), built(1, candidate(1), null, { slots: 1 })), slots: 1 };
  for (let task = 2; task <= tasks; task += 1) queue = run(queue, handedOff(task));
  for (let round = 0; round < tasks; round += 1) {
    const details = commandsOf(queue).find(({ kind }) => kind === 'details');
    if (details?.kind === 'details') {
      const items = details.wanted.map((wanted) => ({ ...itemOf(2, 1), ...wanted }));
      queue = run(queue, { kind: 'details', asked: details.wanted, items, isWhole: true });
    }
    const entry = queue.chain.find(({ stage }) => stage.kind === 'building');
    if (entry === undefined) break;
    const behind = built(1, { kind: 'behind' }, 101, { slots: 1 });
    queue = run(queue, { ...behind, taskId: entry.item.taskId } as QueueFact);
  }
  return queue;
}

/** Of the one that waits to be pushed it is not known whether it is on main, and main is red. */
function inDoubt(begin: Queue): Queue {
  const foreign = { commit: objectId(9), standing: 'unknown', foreign: true } as const;
  const landing = run({ ...begin, slots: 2, main: foreign }, handedOff(1), built(1, candidate(1)), green(1));
  return run(landing, pushed(1, { kind: 'held', why: 'checkout', text: 'dirty' }), mainGate(MAIN_RED), ALL_TOLD);
}

/** The first had a turn, which was over before it landed; the second has its own now, and comes back in it. */
function expired(begin: Queue): Queue {
  const first = run(begin, handedOff(1, 1, OFTEN), built(1, CONFLICT), handedOff(1, 2, AGAIN));
  const over = at(run(first, second(built(1, candidate(1)))), LATER_MS, handedOff(2, 1, OFTEN));
  return at(over, LATER_MS, built(2, CONFLICT, 101), handedOff(2, 2, AGAIN));
}

describe('a hotfix on a red main', () => {
  it('is taken however many wait behind one ahead', () => {
    const full = crowded(NEW_QUEUE, 30);
    expect([full.chain.length, full.line.length]).toEqual([22, 8]);
    const stopped = run(full, red(1), mainGate(MAIN_RED), handedOff(31, 1, HOTFIX));
    expect(stopped.redMain).not.toBeNull();
    expect(stopped.chain[0]?.item.taskId).toBe(taskId(31));
    expect(buildsOf(stopped)).toEqual([`build/${taskId(31)}/1/main`]);
    const older = run(crowded(EMPTY_QUEUE, 30), red(1), mainGate(MAIN_RED), handedOff(31, 1, HOTFIX));
    expect([older.line[0]?.taskId, buildsOf(older)]).toEqual([taskId(31), []]);
  });

  it('is built although it is not known of one ahead whether that is on main: git is asked', () => {
    const later = NOW_MS + 20_000;
    const queue = at(inDoubt(NEW_QUEUE), later, handedOff(3, 1, HOTFIX));
    expect(stages(queue)).toEqual(['1 building', '3 building']);
    expect(buildsOf(queue, later)).toEqual([`build/${taskId(1)}/1/main`]);
    const known = at(queue, later, built(1, candidate(1)));
    expect(stages(known)).toEqual(['3 building', '1 candidate']);
    expect(buildsOf(known, later)).toEqual([`build/${taskId(3)}/1/main`]);
    const older = at(inDoubt(EMPTY_QUEUE), later, handedOff(3, 1, HOTFIX));
    expect([stages(older), buildsOf(older, later)]).toEqual([['1 building', '3 building'], []]);
  });

  it('passes one whose turn it is, which was red on it', () => {
    const had = run(NEW_QUEUE, handedOff(1, 1, OFTEN), built(1, CONFLICT), handedOff(1, 2, AGAIN), ALL_TOLD);
    const landing = run(had, second(built(1, candidate(1))), green(1), handedOff(3, 1, HOTFIX));
    expect(stages(landing)).toEqual(['1 landing', '3 building']);
    const moved = run(landing, { ...pushed(1, { kind: 'moved' }), attempt: 2 } as QueueFact);
    const main = { commit: objectId(20), since: 'ahead', vanished: [] } as const;
    const anew = run(moved, { ...second(built(1, candidate(5, 20), null, { main })), known: objectId(9) } as QueueFact);
    const stopped = run(anew, red(5), mainGate(MAIN_RED, 20));
    expect(stages(stopped)).toEqual(['3 building', '1 red']);
  });
});

describe('one that may be on main', () => {
  it('is asked after when its task is canceled while main is red', () => {
    const later = NOW_MS + 1;
    const queue = at(inDoubt(NEW_QUEUE), later, withdraw(1));
    expect(buildsOf(queue, later)).toEqual([`build/${taskId(1)}/1/main`]);
    expect(told(at(queue, later, built(1, candidate(1))))).toEqual(['1 withdrawn']);
  });

  it('is not, and has a right to a turn that another has: it waits for its own, as if it had not been pushed', () => {
    const begun = run(NEW_QUEUE, handedOff(1, 1, OFTEN), built(1, candidate(1)), green(1), handedOff(2, 1, OFTEN));
    const held = run(
      begun,
      built(2, CONFLICT, 101),
      pushed(1, { kind: 'held', why: 'origin', text: 'away' }),
      ALL_TOLD,
    );
    expect(held.turn?.taskId).toBe(taskId(2));
    const later = NOW_MS + 20_000;
    const asked = at(held, later);
    expect(buildsOf(asked, later)).toEqual([`build/${taskId(1)}/1/main`]);
    const waits = at(asked, later, built(1, CONFLICT));
    expect([told(waits), stages(waits), buildsOf(waits, later)]).toEqual([[], ['1 building'], []]);
    expect(stages(at(waits, later, handedOff(2, 2, AGAIN)))).toEqual(['2 building', '1 building']);
  });
});

describe('who has its turn', () => {
  it('passes one whose own turn was over before it landed', () => {
    const queue = expired(NEW_QUEUE);
    expect(queue.turn?.taskId).toBe(taskId(2));
    expect(stages(queue)).toEqual(['2 building', '1 candidate']);
    expect(buildsOf(queue, LATER_MS)).toEqual([`build/${taskId(2)}/2/main`]);
    expect(stages(expired(EMPTY_QUEUE))).toEqual(['1 candidate', '2 building']);
  });

  it('is the next one already, and cannot be promoted, which would put it behind hotfixes and those of before', () => {
    const promote = { kind: 'control', control: { action: 'promote', actor: 'Ada', taskId: taskId(1) } } as const;
    const turned = (begin: Queue): Queue => {
      const back = run(begin, handedOff(1, 1, OFTEN), built(1, CONFLICT), say('pause'), handedOff(1, 2, AGAIN));
      return run(back, handedOff(2), promote);
    };
    expect([order(turned(NEW_QUEUE)), turned(NEW_QUEUE).line[0]?.lift]).toEqual(['12', 'turn']);
    expect(turned(EMPTY_QUEUE).line[0]?.lift).toBe('promoted');
  });
});

describe('a run that was asked for and is not begun', () => {
  const ONE = { slots: 1, batch: true };
  /** Two are to be gated together, and their commits could not be written anew for that; then main is red. */
  const unsealed = (begin: Queue): Queue => {
    const three = run(
      { ...begin, batch: true, slots: 1, outcomes: '0'.repeat(60) },
      ...[1, 2, 3].map((task) => handedOff(task)),
      built(1, candidate(1), null, ONE),
      started(1),
      built(2, candidate(2, 101), 101, ONE),
      built(3, candidate(3, 102), 102, ONE),
    );
    const asked = run(three, green(1), landed(1));
    expect(asked.runs).toMatchObject([{ key: keyOf(3), state: 'starting' }]);
    const first = { taskId: taskId(2), attempt: 1 };
    const failed = run(asked, { kind: 'sealed', first, answer: { kind: 'failed', text: 'away' } });
    return { ...failed, redMain: { text: 'red', sinceMs: NOW_MS, tries: 1, againMs: NOW_MS + TURN_MS } };
  };

  it('is given up when its candidate does not stand where it should: it would keep a hotfix from being gated', () => {
    const hotfix = [handedOff(4, 1, HOTFIX), built(4, candidate(4, 101), null, { ...ONE, main: null })];
    const queue = run(unsealed(NEW_QUEUE), ...hotfix);
    expect([stages(queue), keysOf(queue)]).toEqual([['4 candidate', '2 held', '3 candidate'], [`gate/${keyOf(4)}`]]);
    expect(keysOf(run(unsealed(EMPTY_QUEUE), ...hotfix))).toEqual([]);
  });
});

describe('one in line when landing stops', () => {
  const NARROW: Queue = { ...NEW_QUEUE, window: 1 };
  const first = run(NARROW, handedOff(9), built(9, candidate(9), null, { window: 1 }));
  const paused = run(first, handedOff(1), handedOff(2), say('pause'), ALL_TOLD);

  it('is told so when it is handed off again, once, also when who was told at once is gone', () => {
    const alone = run(paused, withdraw(9), ALL_TOLD);
    expect([stages(alone), order(alone)]).toEqual([[], '12']);
    const again = run(alone, handedOff(1));
    const held = { kind: 'gate', text: 'paused by Ada; to go on: tasks queue resume --project demo' };
    expect(again.replies).toMatchObject([{ taskId: taskId(1), reply: { kind: 'held', held } }]);
    expect(told(run(again, ALL_TOLD, handedOff(1)))).toEqual([]);
    const resumed = run(again, ALL_TOLD, say('resume'));
    expect(told(run(resumed, ALL_TOLD, handedOff(2)))).toEqual([]);
  });

  it('is told so of a red main, but not a hotfix, which goes on', () => {
    const redMain = { text: 'main is red', sinceMs: NOW_MS, tries: 1, againMs: NOW_MS + TURN_MS };
    const line = run(first, handedOff(1), handedOff(2, 1, HOTFIX));
    const red: Queue = { ...line, redMain };
    expect(run(red, handedOff(1)).replies).toMatchObject([{ reply: { held: { text: 'main is red' } } }]);
    expect(told(run(red, handedOff(2, 1, HOTFIX)))).toEqual([]);
  });

  it('is told so while it is verified', () => {
    const verifying = run({ ...NEW_QUEUE, window: 1, verify: true }, handedOff(1), handedOff(2));
    expect(verifying.checks.length).toBeGreaterThan(0);
    const stopped = run(verifying, say('pause'), ALL_TOLD, handedOff(1));
    expect(told(stopped)).toEqual(['1 held']);
    expect(stopped.checks[0]?.heldText).toContain('paused by Ada');
    expect(told(run(stopped, ALL_TOLD, handedOff(1)))).toEqual([]);
  });

  it('is told nothing in a queue of an older version', () => {
    expect(told(run({ ...paused, oneTurn: undefined } as unknown as Queue, handedOff(1)))).toEqual([]);
  });
});

describe('one in line that was told that nothing lands', () => {
  /** Of 0.5.0, which tells nobody in line by itself. */
  const NARROW: Queue = { ...EMPTY_QUEUE, oneTurn: true, window: 1 };
  const candidateOf9 = run(NARROW, handedOff(9), built(9, candidate(9), null, { window: 1 }));
  const paused = run(candidateOf9, say('pause'), handedOff(1), handedOff(2));
  const resumed = run(paused, say('resume'), ALL_TOLD);

  it('is told that it goes on when it is handed off again after that, once', () => {
    expect([order(resumed), told(resumed)]).toEqual(['12', []]);
    const again = run(resumed, handedOff(1));
    expect(again.replies).toMatchObject([{ taskId: taskId(1), reply: { kind: 'held', held: null } }]);
    expect(told(run(again, ALL_TOLD, handedOff(1), handedOff(2)))).toEqual(['2 held']);
  });

  it.each([
    ['while it lasts', run(paused, ALL_TOLD)],
    ['while main is red', { ...resumed, redMain: { text: 'red', sinceMs: 0, tries: 1, againMs: NOW_MS + TURN_MS } }],
    ['in a queue of an older version', { ...resumed, oneTurn: undefined } as unknown as Queue],
  ])('is not told so %s', (_when, queue) => {
    expect(told(run(queue, handedOff(1)))).toEqual([]);
  });
});
