import { describe, expect, it } from '@jest/globals';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { RULES } from '../../src/core/queue-state.ts';
import {
  EMPTY_QUEUE,
  LOOK_EVERY_MS,
  MAX_ANSWERED,
  MAX_GREEN,
  queueViewOf,
  reconcile,
  type Queue,
  type QueueFact,
} from '../../src/core/queue.ts';
import type { BuildResult } from '../../src/core/queue-types.ts';
import {
  CLOCK,
  TARGET,
  MAIN,
  run,
  at,
  commandsOf,
  keysOf,
  handedOff,
  candidate,
  built,
  keyOf,
  gated,
  green,
  red,
  suspect,
  pushed,
  landed,
  mainGate,
  looked,
  MAIN_RED,
  ALL_TOLD,
  told,
  stages,
  CHAIN,
  GREEN_MAIN,
  order,
  say,
  remove,
  started,
} from './queue-rig.ts';
import { candidateOf, itemOf, LANDING, NOW_MS, objectId, REQUEST, taskId } from './rig.ts';

describe('one that is alone', () => {
  it('is built and gated in one go, landed and answered, and nothing is left to do', () => {
    const one = run(EMPTY_QUEUE, handedOff(1));
    expect(commandsOf(one)).toMatchObject([{ kind: 'build', parent: null, gate: true }]);
    const running = { kind: 'running', runId: 'run 1', suspect: false } as const;
    const gating = run(one, built(1, candidate(1), null, { run: running }));
    expect(keysOf(gating)).toEqual([]);
    const landing = run(gating, green(1));
    expect(keysOf(landing)).toEqual([`land/${taskId(1)}/1/${objectId(101)}`]);
    const over = run(landing, landed(1));
    expect(told(over)).toEqual(['1 landed']);
    expect(over).toMatchObject({ chain: [], line: [], landed: 1, lookMs: null });
    expect(reconcile(over, [], CLOCK)).toMatchObject({ commands: [], wakeAtMs: null });
  });

  it('needs no gate run when its tree was seen green, here or by the ledger', () => {
    const one = run(EMPTY_QUEUE, handedOff(1));
    const known = run(one, built(1, { ...candidate(1), knownGreen: true } as BuildResult));
    expect(stages(known)).toEqual(['1 landing']);
    const moved = run(known, pushed(1, { kind: 'moved' }), built(1, candidate(1)));
    expect(stages(moved)).toEqual(['1 landing']);
  });

  it('holds with back-off, tells its task once a reason, and again when it goes on', () => {
    const away = built(1, { kind: 'held', why: 'origin', text: 'away' });
    let queue = run(EMPTY_QUEUE, handedOff(1), away);
    const until = reconcile(queue, [], CLOCK).wakeAtMs ?? 0;
    expect(until).toBeGreaterThan(NOW_MS);
    expect(keysOf(queue)).toEqual([]);
    queue = run(at(queue, until), away);
    expect(reconcile(queue, [], CLOCK).wakeAtMs).toBeGreaterThan(until - NOW_MS);
    expect(told(queue)).toEqual(['1 held']);
    queue = run(at(queue, NOW_MS + 60_000), built(1, candidate(1)));
    expect(queue.replies.at(-1)?.reply).toEqual({ kind: 'held', handoff: 1, held: null });
  });
});

describe('a chain of candidates', () => {
  it('has each on the one before, gated side by side, and no more than there are slots, but for the next one', () => {
    expect(stages(CHAIN)).toEqual(['1 candidate', '2 candidate', '3 candidate']);
    expect(CHAIN.runs.map(({ key }) => key)).toEqual([keyOf(1), keyOf(2), keyOf(3)]);
    expect(commandsOf(CHAIN).filter(({ kind }) => kind === 'gate')).toMatchObject([
      { below: [] },
      { below: [{ commit: objectId(101) }] },
      { below: [{ commit: objectId(101) }, { commit: objectId(102) }] },
    ]);
    const more = run(CHAIN, handedOff(4));
    expect([more.chain.length, more.line.length]).toEqual([3, 1]);
    expect(run(more, green(2)).chain).toHaveLength(4);
  });

  it('advances main one at a time, in order, whoever is green first', () => {
    const both = run(CHAIN, green(3), green(2));
    expect(keysOf(both).filter((key) => key.startsWith('land'))).toEqual([]);
    const first = run(both, green(1));
    expect(keysOf(first).filter((key) => key.startsWith('land'))).toEqual([`land/${taskId(1)}/1/${objectId(101)}`]);
    const second = run(first, landed(1));
    expect(stages(second)).toEqual(['2 landing', '3 candidate']);
    expect(stages(run(second, landed(2)))).toEqual(['3 landing']);
  });

  it('goes no further than the project’s window', () => {
    const narrow = run(EMPTY_QUEUE, handedOff(1), built(1, candidate(1), null, { window: 1 }), handedOff(2));
    expect([narrow.chain.length, narrow.line.length]).toEqual([1, 1]);
  });

  it('has those behind a first red one re-parent at once on what that one stands on, and keeps its place', () => {
    const queue = run(CHAIN, suspect(1));
    expect(commandsOf(queue).filter(({ kind }) => kind === 'build')).toMatchObject([
      { kind: 'build', item: { taskId: taskId(2) }, parent: null },
    ]);
    const flake = run(queue, gated(1, { kind: 'green', flake: 'exited with 1' }));
    expect(flake.flakes).toBe(1);
    expect(stages(flake)).toEqual(['1 landing', '2 candidate', '3 candidate']);
    expect(told(flake)).toEqual([]);
  });

  it('gives up the runs of those behind one that may be red, gates them anew as they are built, and anew when it was a flake', () => {
    const queue = run(CHAIN, started(1), started(2), suspect(1));
    expect(queue.runs.map(({ key }) => key)).toEqual([keyOf(1)]);
    expect(queue.dropped.map(({ runId }) => runId)).toEqual(['run 2']);
    expect(commandsOf(queue)).toMatchObject([
      { kind: 'build', item: { taskId: taskId(2) }, gate: true },
      { kind: 'drop', run: { runId: 'run 2' } },
    ]);
    const flake = run(queue, { kind: 'dropped', key: keyOf(2) }, gated(1, { kind: 'green', flake: 'exited with 1' }));
    expect(keysOf(flake).filter((key) => key.startsWith('gate'))).toEqual([2, 3].map((task) => `gate/${keyOf(task)}`));
  });

  it('takes a red one out and blames nobody who stood on it', () => {
    const queue = run(GREEN_MAIN, red(1));
    expect(told(queue)).toEqual(['1 returned']);
    expect(stages(queue)).toEqual(['2 candidate', '3 candidate']);
    expect(keysOf(queue).filter((key) => key.startsWith('build'))).toEqual([`build/${taskId(2)}/1/main`]);
  });

  it('judges one that is red on others only when they are green', () => {
    const waits = run(GREEN_MAIN, red(2));
    expect(told(waits)).toEqual([]);
    expect(told(run(waits, green(1)))).toEqual(['2 returned']);
    const guilty = run(waits, red(1, 'npm run lint'));
    expect(told(guilty)).toEqual(['1 returned']);
    expect(run(guilty, built(2, candidate(2))).chain[0]?.stage.kind).toBe('candidate');
  });

  it('lets one wait that conflicts with a candidate ahead, until that one is decided', () => {
    const behind = run(CHAIN, handedOff(4), green(2), built(4, { kind: 'behind' }, 103));
    expect(stages(behind).at(-1)).toBe('4 behind');
    expect(keysOf(behind).filter((key) => key.startsWith('build'))).toEqual([]);
    const decided = run(behind, green(1), landed(1));
    expect(keysOf(decided).filter((key) => key.startsWith('build'))).toEqual([`build/${taskId(4)}/1/${objectId(103)}`]);
  });

  it('sends back at once what conflicts with main', () => {
    const queue = run(CHAIN, handedOff(4), green(2), built(4, { kind: 'conflict', request: REQUEST }, 103));
    expect(told(queue)).toEqual(['4 returned']);
  });

  it('gives up the runs that say nothing about any candidate any more', () => {
    const queue = run(CHAIN, started(2), { kind: 'withdraw', taskId: taskId(2), handoff: 1 });
    expect(keysOf(queue)).toContain(`drop/${keyOf(2)}/run 2`);
    expect(queue.runs.map(({ key }) => key)).toEqual([keyOf(1), keyOf(3)]);
    expect(run(queue, { kind: 'dropped', key: keyOf(2) }).dropped).toEqual([]);
  });

  it('goes on past a run that ended without a verdict, which its task hears of', () => {
    const queue = run(CHAIN, gated(2, { kind: 'none', reason: 'killed' }));
    expect(stages(queue)).toEqual(['1 candidate', '2 held', '3 candidate']);
    expect(told(queue)).toEqual(['2 held']);
  });
});

describe('a main that may be red itself', () => {
  it('is gated first when nobody has gated it, and nobody is blamed when it is red', () => {
    const waits = run(CHAIN, red(1));
    expect(told(waits)).toEqual([]);
    expect(keysOf(waits)).toContain(`gate-main/${objectId(MAIN)}`);
    expect(told(run(waits, mainGate({ kind: 'green' })))).toEqual(['1 returned']);
    const paused = run(waits, mainGate(MAIN_RED));
    expect(told(paused)).toEqual(['1 held', '2 held', '3 held']);
    expect(queueViewOf(paused, TARGET, NOW_MS).stopped).toMatch(/^main itself is red \(main fails\)/);
    expect(keysOf(paused).filter((key) => /^(?:build|land)/.test(key))).toEqual([]);
  });

  it('is gated when two in a row are red on the same, and not for two on different things', () => {
    const one = run(GREEN_MAIN, red(1), built(2, candidate(2)), built(3, candidate(3, 102), 102));
    expect(keysOf(run(one, red(2, 'npm run lint'))).filter((key) => key.startsWith('gate-main'))).toEqual([]);
    const alike = run(one, red(2));
    expect(told(alike)).toEqual(['1 returned']);
    expect(commandsOf(alike)).toContainEqual(expect.objectContaining({ kind: 'gate-main', again: true }));
    expect(told(run(alike, mainGate({ kind: 'green' })))).toEqual(['1 returned', '2 returned']);
  });

  it('resumes by itself when main is green again, and gates anew who was red meanwhile', () => {
    const paused = run(CHAIN, red(1), mainGate(MAIN_RED), ALL_TOLD);
    expect(keysOf(paused, NOW_MS + 61_000)).toContain(`gate-main/${objectId(MAIN)}`);
    const resumed = run(at(paused, NOW_MS + 61_000), mainGate({ kind: 'green' }));
    expect(told(resumed)).toEqual(['1 held', '2 held', '3 held']);
    expect(resumed.replies.map(({ reply }) => (reply.kind === 'held' ? reply.held : ''))).toEqual([null, null, null]);
    expect(stages(resumed)[0]).toBe('1 building');
  });

  it('is gated at once where a person has moved it', () => {
    const paused = run(CHAIN, red(1), mainGate(MAIN_RED));
    const moved = run(paused, looked({ commit: objectId(50), since: 'ahead', vanished: [] }));
    expect(keysOf(moved)).toContain(`gate-main/${objectId(50)}`);
    expect(run(moved, mainGate({ kind: 'green' }, 50)).redMain).toBeNull();
  });

  it('lets a hotfix through, which makes it green', () => {
    const paused = run(CHAIN, red(1), mainGate(MAIN_RED), ALL_TOLD, handedOff(4, 1, { priority: 'hotfix' }));
    expect(stages(paused)[0]).toBe('4 building');
    const landing = run(paused, built(4, candidate(4)), green(4));
    expect(stages(landing)[0]).toBe('4 landing');
    const over = run(landing, landed(4));
    expect(over).toMatchObject({ redMain: null, landed: 1 });
    expect(told(over)[0]).toBe('4 landed');
  });
});

describe('a main that somebody else moves', () => {
  it('has candidates built again on it, and keeps the verdicts of equal trees', () => {
    const queue = run(CHAIN, looked({ commit: objectId(50), since: 'ahead', vanished: [] }));
    expect(keysOf(queue)).toContain(`build/${taskId(1)}/1/main`);
    const again = run({ ...queue, green: [keyOf(1)] }, {
      ...built(1, candidate(1, 50)),
      known: objectId(50),
    } as QueueFact);
    expect(stages(again)[0]).toBe('1 landing');
  });

  it('is gated when a slot is to spare', () => {
    const one = run(EMPTY_QUEUE, handedOff(1), built(1, candidate(1)));
    const queue = run(one, looked({ commit: objectId(50), since: 'ahead', vanished: [] }));
    expect(keysOf(queue)).toContain(`gate-main/${objectId(50)}`);
  });

  it('is not gated when what lands makes it another at once', () => {
    const one = run(EMPTY_QUEUE, handedOff(1), built(1, candidate(1), null, { slots: 1 }));
    const foreign: Queue = { ...one, main: { commit: objectId(MAIN), standing: 'unknown', foreign: true } };
    expect(keysOf(foreign)).not.toContain(`gate-main/${objectId(MAIN)}`);
    expect(keysOf(run(foreign, green(1)))).toEqual([`land/${taskId(1)}/1/${objectId(101)}`]);
  });

  it('stops everything when it was rewritten, with what is gone, until somebody says so', () => {
    const queue = run(CHAIN, looked({ commit: objectId(50), since: 'rewritten', vanished: ['x Title (abc)'] }));
    expect(queue.halt).toMatchObject({ kind: 'rewritten', text: expect.stringContaining('x Title (abc)') });
    expect(keysOf(run(queue, green(1))).filter((key) => /^(?:build|land)/.test(key))).toEqual([]);
    const resumed = run(queue, { kind: 'control', control: { action: 'resume', actor: 'Ada' } });
    expect(resumed.halt).toBeNull();
    expect(keysOf(resumed)).toContain(`build/${taskId(1)}/1/main`);
  });

  it('stops everything when its tree is not what was tested', () => {
    const queue = run(CHAIN, green(1), pushed(1, { kind: 'mismatch', text: 'another tree' }), handedOff(4));
    expect(queue.halt).toMatchObject({ kind: 'mismatch', text: expect.stringMatching(/^another tree\. /) });
    expect(told(queue)).toEqual(['1 held', '2 held', '3 held', '4 held']);
    expect(keysOf(queue).filter((key) => !key.startsWith('gate'))).toEqual([]);
  });

  it('stops everything when nobody may push to it, and tries the same candidate again when it is resumed', () => {
    const refused = run(CHAIN, green(1), pushed(1, { kind: 'protected', text: 'main is protected' }), handedOff(4));
    expect(refused.halt).toMatchObject({ kind: 'protected', text: 'main is protected' });
    expect(told(refused)).toEqual(['1 held', '2 held', '3 held', '4 held']);
    expect(keysOf(refused).filter((key) => /^(?:build|land)/.test(key))).toEqual([]);
    const resumed = run(refused, { kind: 'control', control: { action: 'resume', actor: 'Ada' } });
    expect(resumed.halt).toBeNull();
    expect(keysOf(resumed).filter((key) => key.startsWith('land'))).toHaveLength(1);
    expect(keysOf(resumed)).not.toContain(`build/${taskId(1)}/1/main`);
  });
});

describe('the order', () => {
  const FULL: Queue = { ...CHAIN, slots: 2 };

  it('is by class, and by arrival within it', () => {
    const queue = run(FULL, handedOff(4, 1, { priority: 'bulk' }), handedOff(6), handedOff(5));
    expect(order(queue)).toBe('564');
  });

  it('lets a hotfix ahead of what is being gated, and nobody else', () => {
    const queue = run(FULL, handedOff(4), handedOff(5, 1, { priority: 'hotfix' }));
    expect(stages(queue)).toEqual(['5 building', '1 candidate', '2 candidate', '3 candidate']);
    expect(order(queue)).toBe('4');
    const landing = run(FULL, green(1), handedOff(5, 1, { priority: 'hotfix' }));
    expect(stages(landing).slice(0, 2)).toEqual(['1 landing', '5 building']);
  });

  it('gives one that comes back its place among those not yet gated', () => {
    const queue = run(FULL, handedOff(5), handedOff(6), handedOff(4, 2, { placeMs: NOW_MS - 60_000 }));
    expect(order(queue)).toBe('456');
  });

  it('takes turns among the tasks of one parent and others', () => {
    const parent = taskId(20);
    const queue = run(FULL, handedOff(4, 1, { parent }), handedOff(5, 1, { parent }), handedOff(6), handedOff(7));
    expect(order(queue)).toBe('4675');
  });

  it('moves up what waits for more than four times the median', () => {
    const old = handedOff(4, 1, { priority: 'bulk', placeMs: NOW_MS - 100_000 });
    const queue: Queue = { ...run(FULL, handedOff(5), old), waits: [10_000, 10_000, 10_000, 10_000, 10_000] };
    expect(order(queue)).toBe('54');
    expect(order(run(queue, looked(null)))).toBe('45');
    expect(order(run({ ...queue, waits: [60_000, 60_000, 60_000, 60_000, 60_000] }, looked(null)))).toBe('54');
  });

  it('is changed by a person who promotes one, but not past the candidates', () => {
    const promote: QueueFact = { kind: 'control', control: { action: 'promote', actor: 'Ada', taskId: taskId(6) } };
    const queue = run(FULL, handedOff(4), handedOff(5), handedOff(6), promote);
    expect(order(queue)).toBe('645');
    expect(queue.chain).toHaveLength(3);
  });
});

describe('one that came back often', () => {
  const often = handedOff(1, 1, { returns: 2, mayReturn: 2, turnMs: 60_000 });
  const alone = run(EMPTY_QUEUE, often, handedOff(2), built(1, { kind: 'conflict', request: REQUEST }));

  it('gets a turn for itself, in which nobody else lands', () => {
    expect(alone.replies[0]?.reply).toMatchObject({ kind: 'returned', turnUntilMs: NOW_MS + 60_000 });
    expect(keysOf(alone).filter((key) => key.startsWith('build'))).toEqual([]);
    const back = run(alone, handedOff(1, 2, { returns: 3, mayReturn: 2, turnMs: 60_000 }));
    expect(stages(back)[0]).toBe('1 building');
    expect(keysOf(back)).toEqual([`build/${taskId(1)}/2/main`]);
  });

  it('has it until it lands, for so long at the most, or until it waits for something', () => {
    expect(keysOf(alone, NOW_MS + 60_000).filter((key) => key.startsWith('build'))).toEqual([
      `build/${taskId(2)}/1/main`,
    ]);
    expect(run(alone, looked(null, { turnOver: taskId(1) })).turn).toBeNull();
  });

  it('gets no second one', () => {
    const again = run(alone, handedOff(1, 2, { returns: 3, mayReturn: 2, turnMs: 60_000 }));
    const conflict = { ...built(1, { kind: 'conflict', request: REQUEST }), attempt: 2 } as QueueFact;
    const queue = run(again, conflict);
    expect(queue.turn).toBeNull();
    expect(queue.replies.at(-1)?.reply).toMatchObject({ kind: 'returned', turnUntilMs: null });
  });
});

describe('a person’s word', () => {
  it('pauses landing and not the gates, and resumes it', () => {
    const paused = run(CHAIN, say('pause'), green(1));
    expect(stages(paused)[0]).toBe('1 candidate');
    expect(told(paused)).toEqual(['1 held', '2 held', '3 held']);
    expect(stages(run(paused, say('resume')))[0]).toBe('1 landing');
  });

  it('removes one, which is told how it comes back', () => {
    const queue = run(CHAIN, handedOff(4), remove(4), remove(2), remove(7));
    expect(told(queue)).toEqual(['4 refused', '2 refused']);
    expect(queue.replies[0]?.reply).toMatchObject({ failure: { next: expect.stringContaining('tasks retry') } });
  });
});

describe('a hand-off that comes again', () => {
  it('is the same while it waits, and gets its first answer again when it has one', () => {
    expect(run(CHAIN, handedOff(1), handedOff(3))).toBe(CHAIN);
    const over = run(CHAIN, handedOff(4), green(2), built(4, { kind: 'conflict', request: REQUEST }, 103), ALL_TOLD);
    expect(told(run(over, handedOff(4)))).toEqual(['4 returned']);
  });

  it('replaces an older one of its task, which is answered', () => {
    const queue = run(CHAIN, handedOff(2, 2));
    expect(told(queue)).toEqual(['2 withdrawn']);
    expect(queue.chain.map(({ item }) => `${item.taskId.slice(-1)}/${item.attempt}`)).toEqual(['1/1', '3/1', '2/2']);
  });

  it('waits behind an older one that is on its way to main', () => {
    const queue = run(CHAIN, green(1), handedOff(1, 2));
    expect([stages(queue)[0], queue.line.length, told(queue)]).toEqual(['1 landing', 1, []]);
  });

  it('does not land when it was withdrawn before it came', () => {
    const queue = run(EMPTY_QUEUE, { kind: 'withdraw', taskId: taskId(1), handoff: 1 }, ALL_TOLD, handedOff(1));
    expect([queue.chain.length, told(queue)]).toEqual([0, ['1 withdrawn']]);
  });
});

describe('a withdrawal after a push without an answer', () => {
  const asked = run(
    run(EMPTY_QUEUE, handedOff(1), built(1, candidate(1)), green(1)),
    pushed(1, { kind: 'held', why: 'origin', text: 'no answer' }),
    { kind: 'withdraw', taskId: taskId(1), handoff: 1 },
  );

  it('counts as soon as git has said that it is not on main', () => {
    expect(keysOf(asked)).toEqual([`build/${taskId(1)}/1/main`]);
    expect(told(run(asked, built(1, candidate(1), null, { main: null })))).toEqual(['1 held', '1 withdrawn']);
  });

  it('is answered landed when it is', () => {
    const there = built(1, { kind: 'landed', landing: LANDING }, null, { main: null });
    expect(told(run(asked, there))).toEqual(['1 held', '1 landed']);
  });
});

describe('a look', () => {
  it('is due once a minute while there is something to ask after', () => {
    const later = NOW_MS + LOOK_EVERY_MS;
    expect(reconcile(CHAIN, [], CLOCK).wakeAtMs).toBe(later);
    const running = run(CHAIN, { kind: 'gate', key: keyOf(1), state: { kind: 'running', runId: 'r', suspect: false } });
    expect(commandsOf(running, later).find(({ kind }) => kind === 'look')).toMatchObject({ runs: [{ runId: 'r' }] });
    const over = { key: keyOf(1), state: { kind: 'ended', verdict: { kind: 'green' } } };
    const heard = at(running, later, looked(null, { runs: [over] }));
    expect(stages(heard)[0]).toBe('1 landing');
    expect(heard.lookMs).toBe(later + LOOK_EVERY_MS);
  });
});

describe('a long line', () => {
  const LONG = 10_000;

  it('is carried in some dozen bytes each, with the details of its front alone', () => {
    let queue: Queue = { ...CHAIN, halt: { kind: 'person', text: 'paused', sinceMs: NOW_MS } };
    const line = Array.from({ length: LONG }, (_, task) => {
      const { taskId: id, attempt, placeMs } = itemOf(task % 1_000, Math.floor(task / 1_000) + 1, { placeMs: task });
      return {
        taskId: id,
        attempt,
        placeMs,
        priority: 'normal',
        parent: null,
        nth: 0,
        lift: 'none',
        heldText: null,
        verified: false,
        item: null,
      } as const;
    });
    queue = { ...queue, line };
    const carried = packQueue(queue);
    expect(JSON.stringify(carried).length).toBeLessThan(500_000);
    expect(unpackQueue(JSON.parse(JSON.stringify(carried)))).toEqual({ ...queue, ...RULES });
    expect(queueViewOf(queue, TARGET, NOW_MS)).toMatchObject({ more: LONG + 3 - 1_000 });
  });

  it('asks the tasks at its front for what it does not know, and lets those go that have nothing', () => {
    const waiting = run(CHAIN, handedOff(4), handedOff(5));
    const carried = unpackQueue(packQueue(waiting));
    expect(commandsOf(carried).find(({ kind }) => kind === 'details')).toMatchObject({
      wanted: [{ taskId: taskId(4) }, { taskId: taskId(5) }],
    });
    const asked = [
      { taskId: taskId(4), attempt: 1 },
      { taskId: taskId(5), attempt: 1 },
    ];
    const known = run(carried, { kind: 'details', asked, items: [itemOf(5, 1)], isWhole: true });
    expect(known.line.map(({ item }) => item?.title)).toEqual(['Task 5']);
  });

  it('remembers so many answers and green trees, and forgets the oldest', () => {
    let queue = EMPTY_QUEUE;
    for (let attempt = 1; attempt <= MAX_ANSWERED + 20; attempt += 1) {
      const conflict = { ...built(1, { kind: 'conflict', request: REQUEST }), attempt } as QueueFact;
      queue = run(queue, handedOff(1, attempt), conflict, ALL_TOLD, green(attempt));
    }
    expect(queue.answered).toHaveLength(MAX_ANSWERED);
    expect(queue.green).toHaveLength(MAX_GREEN);
  });
});

describe('the view of a queue', () => {
  it('shows each with its place, what it stands on, its verdict and what it waits for', () => {
    const queue = run(CHAIN, handedOff(4), suspect(2), green(3));
    const view = queueViewOf({ ...queue, runTimes: [60_000] }, TARGET, NOW_MS);
    expect(view).toMatchObject({ ...TARGET, window: 2, stopped: null, more: 0, alarms: [] });
    expect(view.rows).toMatchObject([
      { position: 1, id: taskId(1), state: 'gating', base: objectId(MAIN), tree: candidateOf(101).tree, verdict: null },
      { position: 2, state: 'failing', waitingFor: 'red: run once more' },
      { position: 3, state: 'building' },
      { position: 4, state: 'building', priority: 'normal', since: new Date(NOW_MS).toISOString() },
    ]);
    expect(view.rows[0]?.estimate).toBe(new Date(NOW_MS + 60_000).toISOString());
  });

  it('raises an alarm when the first has been there for long, and when nothing has landed', () => {
    const late: Queue = { ...CHAIN, runTimes: [20_000], lastLandedMs: NOW_MS };
    expect(queueViewOf(late, TARGET, NOW_MS + 40_000).alarms).toEqual([]);
    expect(queueViewOf(late, TARGET, NOW_MS + 80_000).alarms).toHaveLength(1);
    expect(queueViewOf(late, TARGET, NOW_MS + 140_000).alarms).toHaveLength(2);
  });
});
