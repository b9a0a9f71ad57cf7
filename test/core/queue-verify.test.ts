import { describe, expect, it } from '@jest/globals';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { EMPTY_QUEUE, queueViewOf, reconcile, type Queue, type QueueFact } from '../../src/core/queue.ts';
import type { BuildResult, GateVerdict, MainSeen, QueueItem } from '../../src/core/queue-types.ts';
import { candidateOf, failureOf, itemOf, LANDING, NOW_MS, objectId, REQUEST, SPEC, taskId } from './rig.ts';

const CLOCK = { nowMs: NOW_MS, random: 0.5 };
const TARGET = { project: SPEC.project, branch: SPEC.branch, origin: SPEC.origin };
const MAIN = 9;
const GREEN_MAIN = { commit: objectId(MAIN), standing: 'green', foreign: false } as const;
const BEGIN: Queue = { ...EMPTY_QUEUE, verify: true, slots: 2, main: GREEN_MAIN };

function run(queue: Queue, ...facts: readonly QueueFact[]): Queue {
  return facts.reduce((next, fact) => reconcile(next, [fact], CLOCK).queue, queue);
}

function keysOf(queue: Queue): readonly string[] {
  return reconcile(queue, [], CLOCK).commands.map(({ key }) => key);
}

function handedOff(task: number, change: Partial<QueueItem> = {}): QueueFact {
  return { kind: 'handed-off', item: itemOf(task, 1, change) };
}

/** Task n on main is the commit 100 + n. */
function candidate(task: number, main = MAIN): BuildResult {
  return { kind: 'candidate', candidate: { ...candidateOf(100 + task), main: objectId(main) }, knownGreen: false };
}

function built(task: number, result: BuildResult = candidate(task), main: MainSeen | null = null): QueueFact {
  const answer = { result, main, run: null, slots: 2, window: null, verify: true };
  return { kind: 'built', taskId: taskId(task), attempt: 1, parent: null, known: objectId(MAIN), answer };
}

function gated(task: number, verdict: GateVerdict): QueueFact {
  return { kind: 'gate', key: `${candidateOf(100 + task).tree}/gate`, state: { kind: 'ended', verdict } };
}

const RED: GateVerdict = { kind: 'red', failedCommand: 'npm test', text: 'red', logTail: 'no', landedSince: [] };
const GREEN: GateVerdict = { kind: 'green' };

function states(queue: Queue): string[] {
  return queueViewOf(queue, TARGET, NOW_MS).rows.map(({ id, state }) => `${id.slice(-1)} ${state}`);
}

function told(queue: Queue): string[] {
  return queue.replies.map(({ taskId: id, reply }) => `${id.slice(-1)} ${reply.kind}`);
}

const mainGate = (verdict: GateVerdict): QueueFact => ({
  kind: 'main-gate',
  commit: objectId(MAIN),
  key: 'main/gate',
  state: { kind: 'ended', verdict },
});

describe('a project that has each task verified', () => {
  it('gates each on main alone before it may become a candidate, as many as there are slots for', () => {
    const three = run(BEGIN, handedOff(1), handedOff(2), handedOff(3), handedOff(4));
    expect(three.chain).toEqual([]);
    expect(states(three)).toEqual(['1 verifying', '2 verifying', '3 verifying', '4 queued']);
    expect(queueViewOf(three, TARGET, NOW_MS).rows[3]?.waitingFor).toBe('to be verified: a gate slot');
    expect(keysOf(three)).toEqual([1, 2, 3].map((task) => `verify/${taskId(task)}/1`));
    expect(reconcile(three, [], CLOCK).commands[0]).toMatchObject({
      kind: 'build',
      parent: null,
      below: [],
      gate: true,
    });
    const gating = run(three, built(1), built(2));
    expect(queueViewOf(gating, TARGET, NOW_MS).rows[1]).toMatchObject({
      state: 'verifying',
      base: objectId(MAIN),
      tree: candidateOf(102).tree,
    });
  });

  it('shows one that waits for a pause to be over as in line', () => {
    const paused = run(BEGIN, handedOff(1), { kind: 'control', control: { action: 'pause', actor: 'Ada' } });
    expect(queueViewOf(paused, TARGET, NOW_MS).rows).toMatchObject([{ state: 'queued', waitingFor: 'paused by Ada' }]);
  });

  it('takes one that is green into the chain, ahead of those before it that are not verified yet', () => {
    const gating = run(BEGIN, handedOff(1), handedOff(2), built(1), built(2), gated(2, GREEN));
    expect(states(gating)).toEqual(['2 building', '1 verifying']);
    // On the same main it is the same tree: no other run is needed.
    const landing = run(gating, built(2));
    expect(states(landing)).toEqual(['2 landing', '1 verifying']);
    expect(landing.runs.map(({ key }) => key)).toEqual([`${candidateOf(101).tree}/gate`]);
  });

  it('sends back one that is red on a green main, and nobody ever stood on it', () => {
    const red = run(BEGIN, handedOff(1), handedOff(2), built(1), built(2), gated(1, RED));
    expect(told(red)).toEqual(['1 returned']);
    expect(red.replies[0]?.reply).toMatchObject({ request: { kind: 'red', main: objectId(MAIN), text: 'red' } });
    expect(states(red)).toEqual(['2 verifying']);
    expect(red.outcomes).toBe('1');
  });

  it('looks at main first when nobody has gated it, and when two are red on the same', () => {
    const unknown: Queue = { ...BEGIN, main: { ...GREEN_MAIN, standing: 'unknown' } };
    const red = run(unknown, handedOff(1), built(1), gated(1, RED));
    expect(told(red)).toEqual([]);
    expect(red.mainRun).toMatchObject({ commit: objectId(MAIN) });
    expect(queueViewOf(red, TARGET, NOW_MS).rows[0]).toMatchObject({ state: 'verifying', verdict: 'red' });
    expect(told(run(red, mainGate(GREEN)))).toEqual(['1 returned']);
    const stopped = run(red, mainGate(RED));
    expect(told(stopped)).toEqual([]);
    expect(stopped.redMain).not.toBeNull();
    const alike = run(BEGIN, handedOff(1), handedOff(2), built(1), built(2), gated(1, RED), gated(2, RED));
    expect(told(alike)).toEqual(['1 returned']);
    expect(alike.mainRun).not.toBeNull();
  });

  it('gates those anew that were red while main was, when it is green again', () => {
    const unknown: Queue = { ...BEGIN, main: { ...GREEN_MAIN, standing: 'unknown' } };
    const stopped = run(unknown, handedOff(1), handedOff(2), built(1), gated(1, RED), mainGate(RED));
    expect(stopped.checks.map(({ stage }) => stage.kind)).toEqual(['red', 'building']);
    const again = reconcile(stopped, [], { ...CLOCK, nowMs: NOW_MS + 61_000 }).queue;
    const mended = run(again, mainGate(GREEN));
    expect(mended.redMain).toBeNull();
    expect(mended.checks.map(({ stage }) => stage.kind)).toEqual(['building', 'building']);
    expect(told(mended)).toEqual([]);
  });

  it('gates one anew that was red on a main of which nothing is known, when main has moved since', () => {
    const unknown: Queue = { ...BEGIN, main: { ...GREEN_MAIN, standing: 'unknown' } };
    const moved: MainSeen = { commit: objectId(8), since: 'ahead', vanished: [] };
    const red = run(unknown, handedOff(1), handedOff(2), built(1), built(2, candidate(2, 8), moved), gated(1, RED));
    expect(told(red)).toEqual([]);
    expect(red.checks[0]?.stage.kind).toBe('building');
  });

  it('sends back one that conflicts with main, and leaves the rest to the chain', () => {
    const conflict = run(BEGIN, handedOff(1), built(1, { kind: 'conflict', request: REQUEST }));
    expect(told(conflict)).toEqual(['1 returned']);
    expect(conflict.line).toEqual([]);
    for (const result of [
      { kind: 'landed', landing: LANDING },
      { kind: 'nothing-to-land' },
      { kind: 'refused', failure: failureOf('landing-refused') },
    ] as const) {
      expect(states(run(BEGIN, handedOff(1), built(1, result)))).toEqual(['1 building']);
    }
    const gone = run(BEGIN, handedOff(1), built(1, { kind: 'ended' }));
    expect([gone.line, gone.checks, gone.replies]).toEqual([[], [], []]);
  });

  it('lets one wait, and says so, whose gate could not be run, and goes on when that time is over', () => {
    const held = run(BEGIN, handedOff(1), built(1), gated(1, { kind: 'none', reason: 'killed' }));
    expect(states(held)).toEqual(['1 held']);
    expect(told(held)).toEqual(['1 held']);
    const { wakeAtMs } = reconcile(held, [], CLOCK);
    const again = reconcile(held, [], { ...CLOCK, nowMs: wakeAtMs ?? 0 }).queue;
    expect(states(again)).toEqual(['1 verifying']);
  });

  it('does not keep a hotfix waiting', () => {
    expect(states(run(BEGIN, handedOff(1), handedOff(2, { priority: 'hotfix' })))).toEqual([
      '2 building',
      '1 verifying',
    ]);
  });

  it('gives up the check of one that is withdrawn, and its run', () => {
    const begun = run(BEGIN, handedOff(1), built(1), {
      kind: 'gate',
      key: `${candidateOf(101).tree}/gate`,
      state: { kind: 'running', runId: 'run 1', suspect: false },
    });
    const gone = run(begun, { kind: 'withdraw', taskId: taskId(1), handoff: 1 });
    expect([gone.checks, gone.line, gone.runs]).toEqual([[], [], []]);
    expect(gone.dropped.map(({ runId }) => runId)).toEqual(['run 1']);
    expect(told(gone)).toEqual(['1 withdrawn']);
  });

  it.each([
    ['is red', [built(1)], gated(1, RED)],
    ['conflicts with main', [], built(1, { kind: 'conflict', request: REQUEST })],
  ])('answers one once that is withdrawn in the moment in which it %s, and gives it no turn', (_how, before, found) => {
    const often = { returns: 2, mayReturn: 2, turnMs: 60_000 };
    const withdrawn: QueueFact = { kind: 'withdraw', taskId: taskId(1), handoff: 1 };
    const both = (begin: Queue): Queue =>
      reconcile(run(begin, handedOff(1, often), ...before), [withdrawn, found], CLOCK).queue;
    const gone = both({ ...BEGIN, oneTurn: true });
    expect([told(gone), gone.turn]).toEqual([['1 withdrawn'], null]);
    expect(told(both(BEGIN))).toEqual(['1 withdrawn', '1 returned']);
  });

  it('begins with those that are candidates already, but for the first', () => {
    const before = run({ ...BEGIN, verify: false }, handedOff(1), handedOff(2), handedOff(3));
    expect(before.chain).toHaveLength(3);
    const after = run(before, built(1));
    expect(states(after)).toEqual(['1 gating', '2 verifying', '3 verifying']);
  });

  it('leaves all to the chain again when it no longer asks for it', () => {
    const queue = run(BEGIN, handedOff(1), handedOff(2), built(1), built(2), gated(1, GREEN));
    const answer = { result: candidate(1), main: null, run: null, slots: 2, window: null, verify: false };
    const after = run(queue, {
      kind: 'built',
      taskId: taskId(1),
      attempt: 1,
      parent: null,
      known: objectId(MAIN),
      answer,
    });
    expect(after.checks).toEqual([]);
    expect(after.chain).toHaveLength(2);
  });

  it('knows after it is carried over who was verified', () => {
    const queue = run(
      { ...BEGIN, halt: null, slots: 1, window: 1 },
      handedOff(1),
      handedOff(2),
      built(1),
      gated(1, GREEN),
    );
    const paused = run(queue, { kind: 'control', control: { action: 'pause', actor: 'Ada' } });
    const verified: Queue = { ...paused, line: paused.line.map((waiting) => ({ ...waiting, verified: true })) };
    const carried = unpackQueue(packQueue(verified));
    expect(carried.line.map((waiting) => waiting.verified)).toEqual([true]);
    expect(unpackQueue(packQueue(paused)).line.map((waiting) => waiting.verified)).toEqual([false]);
    expect(carried.checks).toEqual(paused.checks);
  });

  it('gives one a turn for itself that was sent back often enough, for a conflict as for red', () => {
    const often = { returns: 2, mayReturn: 2, turnMs: 60_000 };
    const turn = { taskId: taskId(1), untilMs: NOW_MS + 60_000 };
    expect(run(BEGIN, handedOff(1, often), built(1, { kind: 'conflict', request: REQUEST })).turn).toEqual(turn);
    const red = run(BEGIN, handedOff(1, often), handedOff(2), built(1), gated(1, RED));
    expect([told(red), red.turn]).toEqual([['1 returned'], turn]);
    expect(red.checks.map(({ stage }) => stage.kind)).toEqual(['building']);
  });

  it('tells one why it is held once, goes on with it alone, and tells it when it has passed', () => {
    const none: GateVerdict = { kind: 'none', reason: 'killed' };
    const later = { ...CLOCK, nowMs: NOW_MS + 10 * 60_000 };
    const held = run(BEGIN, handedOff(1), handedOff(2), built(1), gated(1, none));
    const again = reconcile(held, [], later).queue;
    expect(again.checks.map(({ stage }) => stage.kind)).toEqual(['building', 'building']);
    expect(again.checks[1]).toBe(held.checks[1]);
    const twice = run(again, built(1), gated(1, none));
    expect(told(twice)).toEqual(['1 held']);
    const passed = run(
      reconcile(twice, [], { ...CLOCK, nowMs: NOW_MS + 60 * 60_000 }).queue,
      built(1),
      gated(1, GREEN),
    );
    expect(passed.replies.at(-1)).toEqual({ taskId: taskId(1), reply: { kind: 'held', handoff: 1, held: null } });
    expect(states(passed)[0]).toBe('1 building');
  });

  it('lets one wait whose origin cannot be reached', () => {
    const held = run(BEGIN, handedOff(1), built(1, { kind: 'held', why: 'origin', text: 'away' }));
    expect(states(held)).toEqual(['1 held']);
    expect(held.replies[0]?.reply).toMatchObject({ kind: 'held', held: { kind: 'origin', text: 'away' } });
  });

  it('looks for main itself when nothing is known of it yet', () => {
    const queue = run({ ...BEGIN, main: null }, handedOff(1));
    expect(reconcile(queue, [], CLOCK).commands[0]).toMatchObject({ key: `verify/${taskId(1)}/1`, known: null });
  });
});
