import { describe, expect, it } from '@jest/globals';
import { CANCELED_RUN } from '../../src/core/gate-run.ts';
import { queueDetailsOf, queueViewOf, type Queue } from '../../src/core/queue.ts';
import { EMPTY_QUEUE } from '../../src/core/queue.ts';
import { RULES } from '../../src/core/queue-state.ts';
import {
  at,
  built,
  candidate,
  CHAIN,
  gated,
  green,
  GREEN_MAIN,
  handedOff,
  looked,
  MAIN_RED,
  mainGate,
  pushed,
  red,
  requiring,
  run,
  say,
  TARGET,
  withdraw,
} from './queue-rig.ts';
import { itemOf, NOW_MS, objectId, taskId } from './rig.ts';

const HELD = { kind: 'held', why: 'origin', text: 'away' } as const;

const seen = (queue: Queue): string[] =>
  queueViewOf(queue, TARGET, NOW_MS).rows.map(
    ({ id, state, waitingFor }) => `${id.slice(-1)} ${state}${waitingFor === null ? '' : `: ${waitingFor}`}`,
  );

describe('what people see of each in a queue', () => {
  it('is what it waits for', () => {
    expect(seen(run(CHAIN, handedOff(4)))).toEqual(['1 gating', '2 gating', '3 gating: a gate slot', '4 queued']);
    expect(seen(run(CHAIN, gated(2, { kind: 'none', reason: 'killed' })))[1]).toBe(
      '2 held: the gate could not be run to its end: killed',
    );
    expect(seen(run(CHAIN, green(2)))[1]).toBe('2 green');
    const behind = run(CHAIN, handedOff(4), green(2), built(4, { kind: 'behind' }, 103));
    expect(seen(behind).at(-1)).toBe('4 held: conflicts with one ahead: waits until that one is decided');
    expect(seen(run(CHAIN, green(1)))[0]).toBe('1 landing');
    expect(seen(run(CHAIN, say('pause'), handedOff(4))).at(-1)).toBe('4 queued: paused by Ada');
  });

  it('is of a red one whether main or those ahead are looked at first', () => {
    expect(seen(run(CHAIN, red(1)))[0]).toBe('1 failing: red: main is looked at first');
    expect(seen(run(GREEN_MAIN, red(2)))[1]).toBe('2 failing: red: waits for the verdicts on those ahead');
  });

  it('is that one which must be built again is built', () => {
    expect(seen(run(CHAIN, withdraw(1)))).toEqual(['2 building', '3 building']);
  });

  it('is of a candidate whose run has not been asked for that it waits for a slot', () => {
    const narrow: Queue = { ...run(CHAIN, say('pause')), halt: null, runs: [] };
    expect(seen(narrow)).toEqual(['1 gating: a gate slot', '2 gating: a gate slot', '3 gating: a gate slot']);
    expect(queueViewOf(narrow, TARGET, NOW_MS).rows[0]?.since).toBe(new Date(NOW_MS).toISOString());
    expect(seen(requiring(narrow, ['gpu', 'linux']))[0]).toBe('1 gating: a gate slot of a worker with gpu, linux');
  });

  it('is that it waits for a slot which the gate run of main has', () => {
    const main = { commit: objectId(9), begun: null, again: false, sinceMs: NOW_MS - 1 };
    const narrow: Queue = { ...CHAIN, slots: 1, mainRun: main };
    expect(seen(narrow)[0]).toBe('1 gating: a gate slot');
    expect(seen({ ...narrow, slots: 2 }).slice(0, 2)).toEqual(['1 gating', '2 gating: a gate slot']);
    expect(seen({ ...narrow, mainRun: { ...main, sinceMs: NOW_MS + 1 } })[0]).toBe('1 gating');
  });

  it('is in few words why nothing lands, which is told in full once', () => {
    const rewritten = run(CHAIN, looked({ commit: objectId(50), since: 'rewritten', vanished: ['task1'] }));
    expect(seen(rewritten)).toEqual([1, 2, 3].map((task) => `${task} gating: main was rewritten`));
    expect(queueViewOf(rewritten, TARGET, NOW_MS).stopped).toMatch(
      /When that is right: tasks queue resume.*\. No longer there .*--no-commit COMMIT"\): task1$/,
    );
    const main = run(CHAIN, red(1), mainGate(MAIN_RED), handedOff(4), handedOff(5, 1, { priority: 'hotfix' }));
    expect(seen(main)).toContain('4 queued: main itself is red');
    expect(seen(main)[0]).toBe('5 building');
  });

  it('is while nothing is built that it is in line, and why nothing is built', () => {
    const paused = run(EMPTY_QUEUE, handedOff(1), handedOff(2), say('pause'));
    expect(seen(paused)).toEqual(['1 queued: paused by Ada', '2 queued: paused by Ada']);
    expect(seen(run(paused, say('resume')))).toEqual(['1 building', '2 building']);
    const since = new Date(itemOf(1, 1).placeMs).toISOString();
    expect(queueViewOf(paused, TARGET, NOW_MS).rows[0]).toMatchObject({ since, base: null, tree: null });
    // What it was built on before is of no use any more.
    const again = run(CHAIN, withdraw(1), say('pause'));
    expect(seen(again)).toEqual(['2 queued: paused by Ada', '3 queued: paused by Ada']);
    expect(queueViewOf(again, TARGET, NOW_MS).rows[0]).toMatchObject({ base: null, tree: null });
    const main = run(CHAIN, red(1), mainGate(MAIN_RED), withdraw(1));
    expect(seen(main)).toEqual(['2 queued: main itself is red', '3 queued: main itself is red']);
  });

  it('is while nothing is gated that one which was built is in line, and that gate runs which have begun go on', () => {
    const ended = run(CHAIN, say('pause'), gated(2, { kind: 'none', reason: CANCELED_RUN }));
    expect(seen(ended)).toEqual(['1 gating: paused by Ada', '2 queued: paused by Ada', '3 gating: paused by Ada']);
    expect(queueViewOf(ended, TARGET, NOW_MS).rows[1]).toMatchObject({ base: objectId(101), verdict: null });
  });

  it('is while nothing lands that of one which may be on main git is asked', () => {
    const doubtful = run(CHAIN, green(1), withdraw(1), pushed(1, HELD), say('pause'));
    const asked: Queue = { ...doubtful, toldOnce: true };
    expect(seen(at(asked, NOW_MS + 10 * 60_000))[0]).toBe('1 building: paused by Ada');
  });

  it('is whose turn it is, and until when', () => {
    const queue: Queue = { ...run(EMPTY_QUEUE, handedOff(1)), turn: { taskId: taskId(9), untilMs: NOW_MS + 60_000 } };
    const until = new Date(NOW_MS + 60_000).toISOString();
    const why = `the turn of ${taskId(9)}, until ${until} at the latest (to end it: tasks cancel ${taskId(9)})`;
    expect(seen(queue)).toEqual([`1 queued: ${why}`]);
  });
});

describe('a red main', () => {
  it('shows what its gate has printed, until it is green again', () => {
    const stopped = run(CHAIN, red(1), mainGate(MAIN_RED));
    expect(queueViewOf(stopped, TARGET, NOW_MS)).toMatchObject({
      stopped: expect.stringMatching(/^main itself is red/),
      evidence: 'expected 1, got 2\n',
    });
    const mended = run(at(stopped, NOW_MS + 61_000), mainGate({ kind: 'green' }));
    expect(queueViewOf(mended, TARGET, NOW_MS)).toMatchObject({ stopped: null, evidence: null });
  });

  it('says when it is gated again, unless that is under way', () => {
    const stopped = run(CHAIN, red(1), mainGate(MAIN_RED));
    expect(queueViewOf(stopped, TARGET, NOW_MS).againAt).toBe(new Date(NOW_MS + 60_000).toISOString());
    const again = run(at(stopped, NOW_MS + 61_000));
    expect(queueViewOf({ ...again, mainRun: null }, TARGET, NOW_MS).againAt).not.toBeNull();
    expect(again.mainRun).not.toBeNull();
    expect(queueViewOf(again, TARGET, NOW_MS).againAt).toBeNull();
    expect(queueViewOf(CHAIN, TARGET, NOW_MS).againAt).toBeNull();
  });

  it('is not said to be gated again while the queue is paused, but for a run that is under way', () => {
    const stopped = run({ ...CHAIN, ...RULES }, red(1), mainGate(MAIN_RED));
    const alone = run(stopped, withdraw(1), withdraw(2), withdraw(3));
    for (const queue of [run(stopped, say('pause')), run(alone, say('pause'))]) {
      expect(queueViewOf(queue, TARGET, NOW_MS)).toMatchObject({ evidence: 'expected 1, got 2\n' });
      expect(queueViewOf(queue, TARGET, NOW_MS)).not.toHaveProperty('againAt');
      expect(queueViewOf(queue, TARGET, NOW_MS)).not.toHaveProperty('atRest');
    }
    const underWay = run(at(stopped, NOW_MS + 61_000), say('pause'));
    expect(underWay.mainRun).not.toBeNull();
    expect(queueViewOf(underWay, TARGET, NOW_MS).againAt).toBeNull();
  });
});

describe('a red main that nothing waits for', () => {
  it('is said to be at rest, and not when it would be gated', () => {
    const stopped = run({ ...CHAIN, ...RULES }, red(1), mainGate(MAIN_RED));
    const alone = run(stopped, withdraw(1), withdraw(2), withdraw(3));
    expect(queueViewOf(alone, TARGET, NOW_MS)).toMatchObject({ rows: [], atRest: true, againAt: null });
    const asked = run(alone, say('resume'));
    for (const queue of [stopped, asked, CHAIN])
      expect(queueViewOf(queue, TARGET, NOW_MS)).not.toHaveProperty('atRest');
  });
});

describe('an alarm of a queue', () => {
  it('counts the time that its first one is held', () => {
    const held = run(EMPTY_QUEUE, handedOff(1), built(1, candidate(1)), gated(1, { kind: 'none', reason: 'killed' }));
    const slow: Queue = { ...held, runTimes: [20_000] };
    expect(queueViewOf(slow, TARGET, NOW_MS + 59_000).alarms).toEqual([]);
    expect(queueViewOf(slow, TARGET, NOW_MS + 61_000).alarms).toHaveLength(1);
  });

  it('does not come within seconds where gates take less than one', () => {
    const quick: Queue = { ...run(EMPTY_QUEUE, handedOff(1), built(1, candidate(1))), runTimes: [200, 0] };
    const alarms = (ms: number): number => queueViewOf(quick, TARGET, NOW_MS + ms).alarms.length;
    expect([alarms(1_000), alarms(29_000), alarms(31_000)]).toEqual([0, 0, 1]);
    expect(queueViewOf({ ...quick, runTimes: [] }, TARGET, NOW_MS + 60_000).alarms).toEqual([]);
  });
});

describe('what Temporal’s Web UI shows of a queue', () => {
  it('is how many there are, why nothing lands, what to look at, and each with what it waits for', () => {
    const view = queueViewOf(run(CHAIN, handedOff(4)), TARGET, NOW_MS);
    const rows = view.rows.map((row, at) => (at === 3 ? { ...row, title: null } : row));
    const told = queueDetailsOf({
      ...view,
      rows,
      landed: 7,
      more: 2,
      stopped: 'paused by Ada',
      alarms: ['nothing lands'],
    });
    expect(told.split('\n')).toEqual([
      '6 in line, 7 landed',
      '',
      '**Stopped:** paused by Ada',
      '',
      '**Look:** nothing lands',
      '1. `0000000001` Task 1: gating',
      '2. `0000000002` Task 2: gating',
      '3. `0000000003` Task 3: gating, a gate slot',
      '4. `0000000004` : queued',
    ]);
    expect(queueDetailsOf({ ...view, rows: [] })).toBe('0 in line, 0 landed');
  });
});
