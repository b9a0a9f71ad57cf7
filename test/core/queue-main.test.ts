import { describe, expect, it } from '@jest/globals';
import { CANCELED_RUN } from '../../src/core/gate-run.ts';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { RULES } from '../../src/core/queue-state.ts';
import { EMPTY_QUEUE, LOOK_EVERY_MS, reconcile, refusalOf, type Queue, type QueueFact } from '../../src/core/queue.ts';
import type { BuildResult } from '../../src/core/queue-types.ts';
import {
  ALL_TOLD,
  at,
  built,
  candidate,
  CHAIN,
  CLOCK,
  commandsOf,
  gated,
  green,
  GREEN_MAIN,
  handedOff,
  keyOf,
  keysOf,
  landed,
  looked,
  MAIN,
  MAIN_RED,
  mainGate,
  pushed,
  red,
  requiring,
  run,
  running,
  say,
  stages,
  started,
  suspect,
  told,
  withdraw,
} from './queue-rig.ts';
import { candidateOf, NOW_MS, objectId, taskId } from './rig.ts';

const mainRuns: QueueFact = { kind: 'main-gate', commit: objectId(MAIN), key: 'main/gate', state: running(9) };
const seen = (commit: number, since: 'ahead' | 'rewritten', vanished: readonly string[] = []) =>
  looked({ commit: objectId(commit), since, vanished });
const RED_MAIN = run(CHAIN, red(1), mainGate(MAIN_RED), ALL_TOLD);

const lookOf = (queue: Queue) => commandsOf(queue, NOW_MS + LOOK_EVERY_MS).find(({ kind }) => kind === 'look');

/** What was built has this title. */
function titled(fact: QueueFact, title: string): QueueFact {
  return fact.kind === 'built' ? { ...fact, title } : fact;
}

/** The second candidate of a task, on main itself, is red. */
const REDDER: QueueFact = {
  kind: 'gate',
  key: `${candidateOf(202).tree}/gate`,
  state: {
    kind: 'ended',
    verdict: { kind: 'red', failedCommand: 'npm run lint', text: 'exited with 1', logTail: '', landedSince: [] },
  },
};

describe('main’s own gate run', () => {
  const waits = run(CHAIN, red(1));
  const gating = run(waits, mainRuns);

  it('is begun once, and asked after like any other', () => {
    expect(keysOf(waits)).toContain(`gate-main/${objectId(MAIN)}`);
    expect(keysOf(gating)).not.toContain(`gate-main/${objectId(MAIN)}`);
    expect(commandsOf(gating, NOW_MS + LOOK_EVERY_MS).find(({ kind }) => kind === 'look')).toMatchObject({
      runs: [{ key: 'main/gate', runId: 'run 9' }],
    });
  });

  it('may end by a look, when its own word is lost', () => {
    const over = { key: 'main/gate', state: { kind: 'ended', verdict: { kind: 'green' } } };
    expect(told(run(gating, looked(null, { runs: [over] })))).toEqual(['1 returned']);
  });

  it('is given up when main is another by then', () => {
    const moved = run(gating, seen(50, 'ahead'));
    expect(moved.dropped).toMatchObject([{ key: 'main/gate', runId: 'run 9' }]);
    expect(moved.mainRun?.begun ?? null).toBeNull();
    const unbegun = run(waits, seen(50, 'ahead'));
    expect(unbegun.dropped).toEqual([]);
  });

  it('says nothing of a main that has come in the same moment', () => {
    const both = reconcile(gating, [seen(50, 'ahead'), mainGate(MAIN_RED)], CLOCK).queue;
    expect(both.redMain).toBeNull();
    expect(told(both)).toEqual([]);
  });

  it('is begun again after a while when it could not be run, and nobody is blamed meanwhile', () => {
    const failed = run(gating, mainGate({ kind: 'none', reason: 'killed' }));
    expect(told(failed)).toEqual([]);
    expect(keysOf(failed)).not.toContain(`gate-main/${objectId(MAIN)}`);
    expect(keysOf(failed, NOW_MS + 30_000)).toContain(`gate-main/${objectId(MAIN)}`);
  });
});

describe('a main that is red', () => {
  it('is tried at longer and longer intervals, and has been red since the first time', () => {
    const again = at(at(RED_MAIN, NOW_MS + 61_000), NOW_MS + 61_000, mainGate(MAIN_RED));
    expect(again.redMain).toMatchObject({ tries: 2, sinceMs: NOW_MS, againMs: NOW_MS + 61_000 + 120_000 });
    expect(told(again)).toEqual([]);
  });

  it('lets nothing land that is not to mend it, though it is green', () => {
    const moved = run(EMPTY_QUEUE, handedOff(1), built(1, candidate(1)), seen(50, 'ahead'));
    const again = { ...built(1, candidate(1, 50), null, { main: null }), known: objectId(50) } as QueueFact;
    const first = run(moved, again, mainGate(MAIN_RED, 50), green(1));
    expect(first.redMain).not.toBeNull();
    expect(first.green).toContain(keyOf(1));
    expect(stages(first)).toEqual(['1 candidate']);
    expect(keysOf(first).filter((key) => key.startsWith('land'))).toEqual([]);
  });

  it('does not excuse who was to mend it', () => {
    const mends = run(RED_MAIN, handedOff(4, 1, { priority: 'hotfix' }), built(4, candidate(4)));
    expect(told(run(mends, red(4)))).toEqual(['4 returned']);
  });

  it('that is mended while a person has paused the queue tells nobody that it goes on before that is over', () => {
    const mended = run(at(RED_MAIN, NOW_MS + 61_000), say('pause'), ALL_TOLD, mainGate({ kind: 'green' }));
    expect(mended.redMain).toBeNull();
    expect(told(mended)).toEqual([]);
    expect(told(run(mended, say('resume')))).toEqual(['1 held', '2 held', '3 held']);
  });
});

describe('a red main that somebody says resume to', () => {
  const newer: Queue = { ...RED_MAIN, oneTurn: true };
  const again = at(newer, NOW_MS + 61_000);
  const red2 = at(again, NOW_MS + 61_000, mainGate(MAIN_RED));
  const LATER_MS = NOW_MS + 70_000;

  it('is gated at once, and if it is red still, as soon again as the first time', () => {
    expect(keysOf(red2, LATER_MS)).not.toContain(`gate-main/${objectId(MAIN)}`);
    const asked = at(red2, LATER_MS, say('resume'));
    expect(keysOf(asked, LATER_MS)).toContain(`gate-main/${objectId(MAIN)}`);
    expect([asked.redMain?.sinceMs, told(asked)]).toEqual([NOW_MS, []]);
    expect(at(asked, LATER_MS, mainGate({ kind: 'green' })).redMain).toBeNull();
    const still = at(asked, LATER_MS, mainGate(MAIN_RED));
    expect(still.redMain).toMatchObject({ tries: 1, againMs: LATER_MS + 60_000 });
  });

  it('is gated at once also when its last run could not be run to its end', () => {
    const failed = at(again, NOW_MS + 61_000, mainGate({ kind: 'none', reason: 'killed' }));
    expect(keysOf(failed, LATER_MS)).not.toContain(`gate-main/${objectId(MAIN)}`);
    expect(keysOf(at(failed, LATER_MS, say('resume')), LATER_MS)).toContain(`gate-main/${objectId(MAIN)}`);
  });

  it('is not begun twice: who says so while it is gated is told', () => {
    const control = { action: 'resume', actor: 'Ada' } as const;
    expect(refusalOf(again, control)).toBe('main itself is red, and is being gated again already');
    expect(at(again, LATER_MS, say('resume'))).toEqual(at(again, LATER_MS));
    expect(refusalOf(red2, control)).toBeNull();
  });

  it('is gated when the pause is over that was there besides', () => {
    const paused = at(red2, LATER_MS, say('pause'), ALL_TOLD);
    expect(keysOf(paused, LATER_MS)).not.toContain(`gate-main/${objectId(MAIN)}`);
    const resumed = at(paused, LATER_MS, say('resume'));
    expect(resumed.halt).toBeNull();
    expect(keysOf(resumed, LATER_MS)).toContain(`gate-main/${objectId(MAIN)}`);
  });

  it('waits for its time in a queue of an older version, until that is carried on', () => {
    expect(refusalOf(RED_MAIN, { action: 'resume', actor: 'Ada' })).toMatch(
      /gated again in its time: .* older version$/,
    );
    expect(run(RED_MAIN, say('resume'))).toEqual(RED_MAIN);
    expect(refusalOf(unpackQueue(packQueue(RED_MAIN)), { action: 'resume', actor: 'Ada' })).toBeNull();
  });
});

describe('a red main that nothing waits for', () => {
  const GATE = `gate-main/${objectId(MAIN)}`;
  const rules: Queue = { ...RED_MAIN, ...RULES };
  const alone = run(rules, withdraw(1), withdraw(2), withdraw(3), ALL_TOLD);
  const LATER_MS = NOW_MS + 24 * 60 * 60_000;

  it('is not gated again by itself, and wakes nobody but to look where it is', () => {
    expect(keysOf(alone, LATER_MS)).toEqual(['look']);
    expect(at(alone, LATER_MS).redMain).toEqual(RED_MAIN.redMain);
    expect(reconcile(alone, [], { ...CLOCK, nowMs: NOW_MS + 59_000 }).wakeAtMs).toBe(NOW_MS + LOOK_EVERY_MS);
    const { wakeAtMs } = reconcile({ ...alone, lookMs: LATER_MS + 1_000 }, [], { ...CLOCK, nowMs: LATER_MS });
    expect(wakeAtMs).toBe(LATER_MS + 1_000);
  });

  it('is gated again as soon as something comes, in its time if that is not over', () => {
    const comes = at(alone, LATER_MS, handedOff(4));
    expect(keysOf(comes, LATER_MS)).toContain(GATE);
    expect(at(comes, LATER_MS, mainGate({ kind: 'green' })).redMain).toBeNull();
    const soon = at(alone, NOW_MS + 1_000, handedOff(4));
    expect(keysOf(soon, NOW_MS + 59_000)).not.toContain(GATE);
    expect(keysOf(soon, NOW_MS + 60_000)).toContain(GATE);
  });

  it('is gated again at once when a person says resume, until there is a verdict', () => {
    const asked = at(alone, LATER_MS, say('resume'));
    expect(keysOf(asked, LATER_MS)).toContain(GATE);
    const failed = at(asked, LATER_MS, mainGate({ kind: 'none', reason: 'killed' }));
    expect(keysOf(failed, LATER_MS + 30_000)).toContain(GATE);
    expect(keysOf(at(asked, LATER_MS, mainGate(MAIN_RED)), 2 * LATER_MS)).not.toContain(GATE);
  });

  it('is gated again when it moves, until there is a verdict', () => {
    const moved = at(alone, LATER_MS, seen(50, 'ahead'));
    expect(keysOf(moved, LATER_MS)).toContain(`gate-main/${objectId(50)}`);
    const failed = at(moved, LATER_MS, mainGate({ kind: 'none', reason: 'killed' }, 50));
    expect(keysOf(failed, LATER_MS + 30_000)).toContain(`gate-main/${objectId(50)}`);
    const stillRed = at(moved, LATER_MS, mainGate(MAIN_RED, 50));
    expect(keysOf(stillRed, 2 * LATER_MS).filter((key) => key.startsWith('gate-main'))).toEqual([]);
    expect(at(moved, LATER_MS, mainGate({ kind: 'green' }, 50)).redMain).toBeNull();
  });

  it('is gated again in a queue of an older version, until that is carried on', () => {
    const { redRests: _, ...older } = alone;
    expect(keysOf(older, LATER_MS)).toContain(GATE);
    expect(reconcile({ ...older, lookMs: NOW_MS + 2 * 60_000 }, [], CLOCK).wakeAtMs).toBe(NOW_MS + 60_000);
    expect(keysOf(unpackQueue(packQueue(older)), LATER_MS)).not.toContain(GATE);
  });
});

describe('a main that was rewritten', () => {
  it('says how many landings are gone beyond the first ten, or that none is', () => {
    const many = Array.from({ length: 12 }, (_, each) => `landing ${each}`);
    expect(run(CHAIN, seen(50, 'rewritten', many)).halt?.text).toMatch(/landing 0; .*landing 9 and 2 more/);
    expect(run(CHAIN, seen(50, 'rewritten')).halt?.text).toContain(
      'When that is right: tasks queue resume --project demo. No landing is lost',
    );
  });

  it('is told once, and known anew when somebody has said resume', () => {
    const halted = run(CHAIN, seen(50, 'rewritten', ['one']), ALL_TOLD);
    const again = run(halted, seen(51, 'rewritten', ['one', 'other']));
    expect([again.halt, told(again)]).toEqual([halted.halt, []]);
    const resumed = run(halted, say('resume'));
    expect(resumed.main).toBeNull();
    expect(commandsOf(resumed).find(({ kind }) => kind === 'build')).toMatchObject({ known: null });
    // Nothing is known by which it could be another.
    const first: QueueFact = looked({ commit: objectId(51), since: 'rewritten', vanished: [] }, { known: null });
    expect(run(resumed, first)).toMatchObject({ halt: null, main: { commit: objectId(51), foreign: false } });
  });

  it('is looked at with the gate slots that count: of workers with the labels that the first gate requires', () => {
    expect(lookOf(CHAIN)).toMatchObject({ requires: [] });
    expect(lookOf(requiring(CHAIN, ['gpu']))).toMatchObject({ requires: ['gpu'] });
    expect(lookOf(run(EMPTY_QUEUE, handedOff(1)))).toMatchObject({ requires: null });
  });

  it('is not looked at while a push is under way: that word comes by itself', () => {
    const landing = run(CHAIN, green(1));
    expect(run(landing, seen(101, 'ahead')).main).toBe(landing.main);
  });
});

describe('one that is red', () => {
  const other: BuildResult = { kind: 'candidate', candidate: candidateOf(202), knownGreen: false };
  it('though it was green without what landed meanwhile is told that this is a conflict of meaning', () => {
    const queue = run(GREEN_MAIN, green(2), red(1), ALL_TOLD, built(2, other), REDDER);
    expect(told(queue)).toEqual(['2 returned']);
    expect(queue.replies[0]?.reply).toMatchObject({ request: { text: expect.stringMatching(/^semantic conflict/) } });
    const never = run(GREEN_MAIN, red(1), ALL_TOLD, built(2, other), REDDER);
    expect(never.replies[0]?.reply).toMatchObject({ request: { text: 'exited with 1' } });
  });

  it('gets a turn for itself when it was sent back often enough', () => {
    const begun = run(
      EMPTY_QUEUE,
      handedOff(1, 1, { returns: 2, mayReturn: 2, turnMs: 60_000 }),
      built(1, candidate(1)),
    );
    const green9: Queue = { ...begun, main: { commit: objectId(MAIN), standing: 'green', foreign: false } };
    expect(run(green9, red(1)).turn).toEqual({ taskId: taskId(1), untilMs: NOW_MS + 60_000 });
  });
});

describe('a gate run', () => {
  it('that was given up, and is wanted again, is begun anew at once', () => {
    const queue = run(CHAIN, started(1), gated(1, { kind: 'none', reason: CANCELED_RUN }));
    expect(stages(queue)[0]).toBe('1 candidate');
    expect(told(queue)).toEqual([]);
    expect(queue.runs.find(({ key }) => key === keyOf(1))).toMatchObject({ state: 'starting', runId: null });
  });

  it('that nobody wants any more is given up once, and not for being red at first', () => {
    const gone = run(CHAIN, withdraw(2));
    const late = built(2, candidate(2, 101), 101, { run: running(2) });
    const dropped = run(gone, late);
    expect(dropped.dropped.map(({ runId }) => runId)).toEqual(['run 2']);
    expect(run(dropped, late).dropped).toEqual(dropped.dropped);
    expect(run(dropped, started(2)).dropped).toEqual(dropped.dropped);
    expect(run(gone, suspect(2)).dropped).toEqual([]);
    expect(run(gone, built(2, candidate(2, 101), 101)).dropped).toEqual([]);
  });

  it('goes on when its candidate is built once more, and is not begun twice', () => {
    const renamed = run(CHAIN, handedOff(1, 1, { title: 'other' }));
    const again = run(renamed, titled(built(1, candidate(1), null, { run: running(1) }), 'other'));
    expect(again.runs.map(({ key }) => key)).toEqual(CHAIN.runs.map(({ key }) => key));
    expect(again.runs[0]).toMatchObject({ state: 'running', runId: 'run 1' });
  });
});

describe('one behind another that it conflicts with', () => {
  const behind = run(
    EMPTY_QUEUE,
    handedOff(1),
    built(1, candidate(1)),
    handedOff(2),
    built(2, { kind: 'behind' }, 101),
  );

  it('takes nobody’s place meanwhile', () => {
    const queue = run(behind, handedOff(3), handedOff(4));
    expect(stages(queue)).toEqual(['1 candidate', '2 behind', '3 building', '4 building']);
  });

  it('is tried on main when nobody is ahead any more', () => {
    expect(keysOf(behind).filter((key) => key.startsWith('build'))).toEqual([]);
    expect(keysOf(run(behind, green(1), landed(1)))).toEqual([`build/${taskId(2)}/1/main`]);
    expect(keysOf(run(behind, withdraw(1))).filter((key) => key.startsWith('build'))).toEqual([
      `build/${taskId(2)}/1/main`,
    ]);
  });
});

describe('one that was held', () => {
  it('goes on by itself when its time is over, and it alone is told', () => {
    const held = run(CHAIN, gated(2, { kind: 'none', reason: 'killed' }), say('pause'), say('resume'), ALL_TOLD);
    const both: Queue = { ...held, chain: held.chain.map((entry) => ({ ...entry, heldText: 'killed' })) };
    const due = at(both, NOW_MS + 10 * 60_000);
    expect(stages(due)).toEqual(['1 candidate', '2 building', '3 candidate']);
    const goesOn = at(due, NOW_MS + 10 * 60_000, built(2, candidate(2, 101), 101));
    expect(told(goesOn)).toEqual(['2 held']);
    expect(goesOn.chain.map(({ heldText }) => heldText)).toEqual(['killed', null, 'killed']);
  });
});

describe('a look', () => {
  it('is made though nothing is known yet, and asks after the turn', () => {
    const begun = run(EMPTY_QUEUE, handedOff(1));
    expect(lookOf(begun)).toMatchObject({ known: null, turn: null, runs: [] });
    const turn = { taskId: taskId(1), untilMs: NOW_MS + 10 * 60_000 };
    expect(lookOf({ ...begun, turn })).toMatchObject({ turn: taskId(1) });
  });
});

describe('a push', () => {
  it('whose word comes when nobody is on the way to main changes nothing', () => {
    expect(run(CHAIN, landed(1))).toBe(CHAIN);
    expect(run(CHAIN, green(1), pushed(2, { kind: 'moved' })).chain[0]?.stage.kind).toBe('landing');
  });
});
