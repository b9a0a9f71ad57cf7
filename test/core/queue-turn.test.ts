import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, NEW_QUEUE, queueViewOf, reconcile, type Queue } from '../../src/core/queue.ts';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { usesItsTurn } from '../../src/core/queue-turn.ts';
import type { QueueItem } from '../../src/core/queue-types.ts';
import type { TaskView, WaitingKind } from '../../src/core/task-types.ts';
import {
  ALL_TOLD,
  at,
  built,
  candidate,
  CLOCK,
  green,
  handedOff,
  keysOf,
  landed,
  looked,
  MAIN,
  MAIN_RED,
  mainGate,
  order,
  pushed,
  red,
  remove,
  run,
  say,
  stages,
  suspect,
  TARGET,
  told,
} from './queue-rig.ts';
import { NOW_MS, objectId, REQUEST, taskId } from './rig.ts';

const TURN_MS = 60_000;
const UNTIL_MS = NOW_MS + TURN_MS;
const OFTEN: Partial<QueueItem> = { returns: 2, mayReturn: 2, turnMs: TURN_MS };
const HOTFIX: Partial<QueueItem> = { priority: 'hotfix' };
const CONFLICT = { kind: 'conflict', request: REQUEST } as const;

/** Task 1 is revised in its turn, and task 2 waits for the turn to be over. */
const TURN = run(EMPTY_QUEUE, handedOff(1, 1, OFTEN), built(1, CONFLICT), handedOff(2), ALL_TOLD);
const AGAIN = handedOff(1, 2, { ...OFTEN, returns: 3 });
const second = (fact: ReturnType<typeof built>): typeof fact => ({ ...fact, attempt: 2 }) as typeof fact;
const MAIN_IS_THREE = { main: { commit: objectId(103), since: 'same', vanished: [] } };

const timed = (queue: Queue): Queue => ({ ...queue, runTimes: [1_000], slots: 1 });

function rowsOf(queue: Queue): readonly (string | null)[][] {
  return queueViewOf(queue, TARGET, NOW_MS).rows.map(({ id, waitingFor, estimate }) => [
    id.slice(-1),
    waitingFor,
    estimate === null ? null : String(Date.parse(estimate) - NOW_MS),
  ]);
}

describe('a hotfix in the turn of another task', () => {
  it('is built, gated and landed, and nobody else is but who has the turn', () => {
    expect(TURN.turn).toEqual({ taskId: taskId(1), untilMs: UNTIL_MS });
    const begun = run(TURN, handedOff(3, 1, HOTFIX));
    expect(stages(begun)).toEqual(['3 building']);
    expect(keysOf(begun).filter((key) => key.startsWith('build'))).toEqual([`build/${taskId(3)}/1/main`]);
    const after = run(begun, built(3, candidate(3)), green(3), landed(3));
    expect(told(after)).toEqual(['3 landed']);
    expect(after.turn).toEqual({ taskId: taskId(1), untilMs: UNTIL_MS, overtaken: true });
    expect(keysOf(after).filter((key) => key.startsWith('build'))).toEqual([]);
  });

  it('goes ahead of the task that has it, in line and as a candidate', () => {
    expect(stages(run(TURN, AGAIN, handedOff(3, 1, HOTFIX)))).toEqual(['3 building', '1 building']);
    expect(stages(run(TURN, handedOff(3, 1, HOTFIX), AGAIN))).toEqual(['3 building', '1 building']);
    const narrow: Queue = { ...run(TURN, AGAIN), window: 1 };
    expect(stages(run(narrow, handedOff(3, 1, HOTFIX)))[0]).toBe('3 building');
  });

  it('leaves the task its turn, once more from the start when it conflicts with the hotfix', () => {
    const passed = run(TURN, handedOff(3, 1, HOTFIX), built(3, candidate(3)), green(3), landed(3), AGAIN, ALL_TOLD);
    const later = NOW_MS + 10_000;
    const back = at(passed, later, second(built(1, CONFLICT, null, MAIN_IS_THREE)));
    expect(back.replies).toMatchObject([{ reply: { kind: 'returned', turnUntilMs: later + TURN_MS } }]);
    expect(back.turn).toEqual({ taskId: taskId(1), untilMs: later + TURN_MS });
    // The next time nobody was let pass: it is the task's own.
    const third = run(back, handedOff(1, 3, { ...OFTEN, returns: 4 }), ALL_TOLD);
    const own = at(third, later, { ...built(1, CONFLICT, null, MAIN_IS_THREE), attempt: 3 } as ReturnType<
      typeof built
    >);
    expect(own.replies).toMatchObject([{ reply: { kind: 'returned', turnUntilMs: null } }]);
    expect(own.turn).toBeNull();
  });

  it('is carried on with the queue, and may be unknown to an older one', () => {
    const passed = run(TURN, handedOff(3, 1, HOTFIX), built(3, candidate(3)), green(3), landed(3));
    expect(unpackQueue(packQueue(passed)).turn).toEqual(passed.turn);
    expect(run(unpackQueue(packQueue(TURN)), AGAIN, second(built(1, CONFLICT))).turn).toBeNull();
  });

  it('passes one that was being pushed when the turn began, and found that main had moved', () => {
    const behind = run(EMPTY_QUEUE, handedOff(4), built(4, candidate(4)), green(4), handedOff(3, 1, HOTFIX));
    expect(stages(behind)).toEqual(['4 landing', '3 building']);
    const moved = pushed(4, { kind: 'moved' });
    const turned: Queue = { ...behind, turn: TURN.turn };
    const redMain = { text: 'red', sinceMs: NOW_MS, tries: 1, againMs: UNTIL_MS };
    for (const stopped of [turned, { ...behind, redMain }]) {
      expect(stages(stopped)).toEqual(['4 landing', '3 building']);
      const queue = run(stopped, moved);
      expect(stages(queue)).toEqual(['3 building', '4 building']);
      expect(keysOf(queue).filter((key) => key.startsWith('build'))).toEqual([`build/${taskId(3)}/1/main`]);
    }
    expect(stages(run(behind, moved))).toEqual(['4 building', '3 building']);
  });

  it('is blamed when it is red by itself', () => {
    const known: Queue = { ...TURN, main: { commit: objectId(9), standing: 'confirmed', foreign: false } };
    const queue = run(known, handedOff(3, 1, HOTFIX), built(3, candidate(3)), red(3));
    expect(told(queue)).toEqual(['3 returned']);
    expect(queue.turn).toEqual(known.turn);
  });
});

describe('those that wait for a turn to be over', () => {
  const until = new Date(UNTIL_MS).toISOString();
  const turnOf = (way: string): string => `the turn of ${taskId(1)}, until ${until} at the latest (to end it: ${way})`;

  it('are told whose it is and what ends it, and land after it, as its task and hotfixes do not', () => {
    const queue = timed(run(TURN, handedOff(3, 1, HOTFIX)));
    expect(rowsOf(queue)).toEqual([
      ['3', null, '1000'],
      ['2', turnOf(`tasks cancel ${taskId(1)}`), String(TURN_MS + 2_000)],
    ]);
    expect(rowsOf(timed(run(TURN, AGAIN)))).toEqual([
      ['1', null, '1000'],
      ['2', turnOf(`tasks queue remove ${taskId(1)}`), String(TURN_MS + 2_000)],
    ]);
  });

  it('go on at once when its task is taken out of the queue, in line as among the candidates', () => {
    const gone = run(TURN, AGAIN, remove(1));
    expect([gone.turn, stages(gone)]).toEqual([null, ['2 building']]);
    const paused = run(TURN, say('pause'), AGAIN);
    expect([order(paused), stages(paused)]).toEqual(['12', []]);
    expect(run(paused, remove(1)).turn).toBeNull();
    expect(run(paused, remove(2)).turn).toEqual(TURN.turn);
  });
});

describe('one that has a right to a turn while another has its own', () => {
  const begun = run(NEW_QUEUE, handedOff(1, 1, OFTEN), handedOff(2, 1, OFTEN), ALL_TOLD);
  const conflicting = run(begun, built(1, CONFLICT), built(2, CONFLICT));
  const landing = run(
    { ...conflicting, replies: [] },
    AGAIN,
    second(built(1, candidate(1))),
    green(1),
    second(landed(1)),
  );

  it('stays where it is, and has its own when that is over', () => {
    expect(told(conflicting)).toEqual(['1 returned']);
    expect(conflicting.turn).toEqual({ taskId: taskId(1), untilMs: UNTIL_MS });
    expect(stages(conflicting)).toEqual(['2 building']);
    expect(keysOf(conflicting).filter((key) => key.startsWith('build'))).toEqual([]);
    expect(told(landing)).toEqual(['1 landed']);
    expect([landing.turn, keysOf(landing).filter((key) => key.startsWith('build'))]).toEqual([
      null,
      [`build/${taskId(2)}/1/main`],
    ]);
    const back = at({ ...landing, replies: [] }, NOW_MS + 5_000, built(2, CONFLICT));
    expect(back.replies).toMatchObject([{ reply: { kind: 'returned', turnUntilMs: NOW_MS + 5_000 + TURN_MS } }]);
    expect(back.turn).toEqual({ taskId: taskId(2), untilMs: NOW_MS + 5_000 + TURN_MS });
  });

  it('has its own also when the other’s time is over without an answer', () => {
    const over = at({ ...conflicting, replies: [] }, UNTIL_MS);
    expect(keysOf(over, UNTIL_MS)).toContain(`build/${taskId(2)}/1/main`);
    expect(at(over, UNTIL_MS, built(2, CONFLICT)).turn).toEqual({ taskId: taskId(2), untilMs: UNTIL_MS + TURN_MS });
  });

  it('is not blamed in it, and is when that is over, if it was red in the same moment', () => {
    const known: Queue = { ...NEW_QUEUE, main: { commit: objectId(9), standing: 'confirmed', foreign: false } };
    const first = run(known, handedOff(1, 1, OFTEN), handedOff(2, 1, OFTEN), built(1, candidate(1)), suspect(1));
    const both = run(first, built(2, candidate(2)), ALL_TOLD);
    const failing = at(both, NOW_MS, red(1), red(2));
    expect([told(failing), stages(failing)]).toEqual([['1 returned'], ['2 red']]);
    const free = run({ ...failing, replies: [] }, AGAIN, remove(1));
    expect(told(free)).toEqual(['1 refused', '2 returned']);
    expect(free.turn).toEqual({ taskId: taskId(2), untilMs: UNTIL_MS });
  });

  it('goes back without one if it may go on in the other’s, as a hotfix may', () => {
    const queue = run({ ...conflicting, replies: [] }, handedOff(3, 1, { ...OFTEN, ...HOTFIX }), built(3, CONFLICT));
    expect(queue.replies).toMatchObject([{ reply: { kind: 'returned', turnUntilMs: null } }]);
    expect(queue.turn).toEqual(conflicting.turn);
  });

  it('took it over in a queue of an older version, until that is carried on', () => {
    const older = run(
      EMPTY_QUEUE,
      handedOff(1, 1, OFTEN),
      handedOff(2, 1, OFTEN),
      built(1, CONFLICT),
      built(2, CONFLICT),
    );
    expect([told(older), older.turn?.taskId]).toEqual([['1 returned', '2 returned'], taskId(2)]);
    expect(unpackQueue(packQueue(older)).oneTurn).toBe(true);
  });
});

const wakeAtMs = (queue: Queue): number | null => reconcile(queue, [], { ...CLOCK, nowMs: NOW_MS + 10_000 }).wakeAtMs;

const pause = (queue: Queue): Queue => at(queue, NOW_MS + 10_000, say('pause'));

describe('the clock of a turn', () => {
  /** As TURN, by the rules that came after 0.3.0. */
  const NEW_TURN: Queue = { ...TURN, oneTurn: true };
  const LONG_AFTER = NOW_MS + 3_600_000;

  it('stands while a person has paused the queue, and goes on with what was left', () => {
    const paused = at(pause(NEW_TURN), LONG_AFTER);
    expect(paused.turn?.taskId).toBe(taskId(1));
    const resumed = at(paused, LONG_AFTER, say('resume'));
    expect(resumed.turn).toEqual({ taskId: taskId(1), untilMs: LONG_AFTER + TURN_MS - 10_000 });
    expect(stages(resumed)).toEqual([]);
    expect(at(resumed, LONG_AFTER + TURN_MS - 10_001).turn).not.toBeNull();
    expect(at(resumed, LONG_AFTER + TURN_MS - 10_000).turn).toBeNull();
  });

  it('wakes nobody while it stands', () => {
    const short: Queue = { ...NEW_TURN, turn: { taskId: taskId(1), untilMs: NOW_MS + 30_000 } };
    expect(wakeAtMs(short)).toBe(NOW_MS + 30_000);
    expect(wakeAtMs(pause(short))).toBe(NOW_MS + 60_000);
  });

  it('stands while main is red, and goes on when it is green', () => {
    const begun = run(NEW_TURN, looked({ commit: objectId(MAIN), since: 'same', vanished: [] }));
    const main = begun.main ?? { commit: objectId(MAIN), standing: 'unknown', foreign: false };
    const gating: Queue = {
      ...begun,
      main,
      mainRun: { commit: main.commit, begun: null, again: true, sinceMs: NOW_MS },
    };
    const isRed = at(gating, NOW_MS + 10_000, mainGate(MAIN_RED));
    expect(isRed.redMain).not.toBeNull();
    const still = at(isRed, LONG_AFTER);
    expect(still.turn).not.toBeNull();
    const isGreen = at(still, LONG_AFTER, mainGate({ kind: 'green' }));
    expect(isGreen.redMain).toBeNull();
    expect(isGreen.turn).toEqual({ taskId: taskId(1), untilMs: LONG_AFTER + TURN_MS - 10_000 });
  });

  it('that was given in a pause begins when that is over', () => {
    const paused = at(
      { ...NEW_TURN, turn: { taskId: taskId(1), untilMs: NOW_MS + 20_000 + TURN_MS } },
      NOW_MS + 20_000,
      say('pause'),
    );
    const resumed = at(at(paused, LONG_AFTER), LONG_AFTER, say('resume'));
    expect(resumed.turn).toEqual({ taskId: taskId(1), untilMs: LONG_AFTER + TURN_MS });
  });

  it('that is over before a pause is over all the same', () => {
    expect(at(NEW_TURN, UNTIL_MS, say('pause')).turn).toBeNull();
  });

  it('runs on by the rules of an older version', () => {
    expect(at(pause(TURN), LONG_AFTER).turn).toBeNull();
  });
});

function waiting(kind: WaitingKind): Pick<TaskView, 'state' | 'waitingFor'> {
  const since = new Date(NOW_MS).toISOString();
  return {
    state: 'waiting',
    waitingFor: { kind, text: 'x', since, version: null, proposal: null, for: null, open: 0 },
  };
}

describe('a task that has a turn for itself', () => {
  it.each(['queued', 'running', 'landing'] as const)('makes use of it while it is %s', (state) => {
    expect(usesItsTurn({ state, waitingFor: null })).toBe(true);
  });

  it('makes use of it between two tries, and not while it waits for a person', () => {
    expect(usesItsTurn(waiting('retry'))).toBe(true);
    expect(usesItsTurn(waiting('question'))).toBe(false);
    expect(usesItsTurn({ state: 'waiting', waitingFor: null })).toBe(false);
  });

  it.each(['landed', 'failed', 'canceled'] as const)('makes none of it when it is %s', (state) => {
    expect(usesItsTurn({ state, waitingFor: null })).toBe(false);
  });
});
