import { describe, expect, it } from '@jest/globals';
import { batchSize, groupsOf, MAX_BATCH, redShare, withOutcome } from '../../src/core/queue-batch.ts';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { RULES } from '../../src/core/queue-state.ts';
import { EMPTY_QUEUE, queueViewOf, reconcile, type Queue, type QueueFact } from '../../src/core/queue.ts';
import type { BuildResult, GateVerdict, LandResult, RunState } from '../../src/core/queue-types.ts';
import { candidateOf, failureOf, itemOf, LANDING, NOW_MS, objectId, SPEC, taskId } from './rig.ts';

const CLOCK = { nowMs: NOW_MS, random: 0.5 };
const TARGET = { project: SPEC.project, branch: SPEC.branch, origin: SPEC.origin };
const MAIN = 9;
/** Where red was rare: a batch may have as many as come. */
const RARE = '0'.repeat(60);

function run(queue: Queue, ...facts: readonly QueueFact[]): Queue {
  return facts.reduce((next, fact) => reconcile(next, [fact], CLOCK).queue, queue);
}

function keysOf(queue: Queue): readonly string[] {
  return reconcile(queue, [], CLOCK).commands.map(({ kind, key }) => (key.startsWith(kind) ? key : `${kind} ${key}`));
}

/** Task n's candidate is the commit 100 + n on the one of n - 1. */
function built(task: number, change: Partial<ReturnType<typeof candidateOf>> = {}): QueueFact {
  const parent = task === 1 ? null : objectId(99 + task);
  const candidate = { ...candidateOf(100 + task), main: parent ?? objectId(MAIN), ...change };
  const result: BuildResult = { kind: 'candidate', candidate, knownGreen: false };
  const main = { commit: objectId(MAIN), since: 'first', vanished: [] } as const;
  const answer = { result, main, run: null, slots: 1, window: null, batch: true };
  return { kind: 'built', taskId: taskId(task), attempt: 1, parent, known: null, answer };
}

const keyOf = (task: number): string => `${candidateOf(100 + task).tree}/gate`;

function gate(task: number, state: RunState): QueueFact {
  return { kind: 'gate', key: keyOf(task), state };
}

const RED: GateVerdict = { kind: 'red', failedCommand: 'npm test', text: 'red', logTail: '', landedSince: [] };
const green = (task: number): QueueFact => gate(task, { kind: 'ended', verdict: { kind: 'green' } });
const red = (task: number): QueueFact => gate(task, { kind: 'ended', verdict: RED });
const suspect = (task: number): QueueFact => gate(task, { kind: 'running', runId: `run ${task}`, suspect: true });
const started = (task: number): QueueFact => gate(task, { kind: 'running', runId: `run ${task}`, suspect: false });

/** The commits are written anew: task n's is then 200 + n. */
function seal(queue: Queue): Queue {
  const command = reconcile(queue, [], CLOCK).commands.find(({ kind }) => kind === 'seal');
  if (command?.kind !== 'seal') throw new Error('nothing is to be sealed');
  const made = new Map(command.parts.map(({ candidate }, at) => [candidate.commit, objectId(200 + at)]));
  const parts = command.parts.map(({ item, candidate, cover }) => ({
    taskId: item.taskId,
    attempt: item.attempt,
    was: candidate.commit,
    commit: made.get(candidate.commit) ?? candidate.commit,
    main: made.get(candidate.main) ?? candidate.main,
    cover,
  }));
  return run(queue, { kind: 'sealed', first: command.parts[0].item, answer: { kind: 'sealed', parts } });
}

function stages(queue: Queue): string[] {
  return queue.chain.map(({ item, stage }) => `${item.taskId.slice(-1)} ${stage.kind}`);
}

/** So many at a time have come while another was gated, and are built. */
function grown(tasks: number, change: Partial<Queue> = {}): Queue {
  const begun: Queue = { ...EMPTY_QUEUE, batch: true, outcomes: RARE, ...change };
  const arrivals = Array.from({ length: tasks }, (_, at): QueueFact => ({
    kind: 'handed-off',
    item: itemOf(at + 1, 1),
  }));
  const first = reconcile(begun, arrivals, CLOCK).queue;
  return Array.from({ length: tasks }, (_, at) => at + 1).reduce((queue, task) => run(queue, built(task)), first);
}

/** The first is gated alone; the others wait for its end and are gated together then. */
function together(tasks: number): Queue {
  const first = run(grown(tasks), started(1), green(1));
  const landing = { ...LANDING, commit: objectId(101), tree: candidateOf(101).tree, main: objectId(MAIN) };
  return run(first, { kind: 'pushed', taskId: taskId(1), attempt: 1, result: { kind: 'landed', landing } });
}

const landingAt = (number: number) => ({ ...LANDING, commit: objectId(number) });

describe('how many are gated together', () => {
  it.each([
    [RARE, 32],
    [`${RARE}1`, 22],
    ['0'.repeat(27) + '1'.repeat(3), 5],
    ['01'.repeat(10), 1],
    ['', 1],
  ])('after %s is %d', (outcomes, size) => {
    expect(batchSize({ ...EMPTY_QUEUE, batch: true, outcomes })).toBe(size);
  });

  it('is one where the project does not ask for it, and where there is more than one slot', () => {
    expect(batchSize({ ...EMPTY_QUEUE, outcomes: RARE })).toBe(1);
    expect(batchSize({ ...EMPTY_QUEUE, batch: true, slots: 2, outcomes: RARE })).toBe(1);
    expect(batchSize({ ...EMPTY_QUEUE, batch: true, slots: 2, window: 1, outcomes: RARE })).toBe(MAX_BATCH);
  });

  it('is told by the last two hundred', () => {
    let outcomes = '1'.repeat(200);
    for (let at = 0; at < 200; at += 1) outcomes = withOutcome(outcomes, 'landed');
    expect(outcomes).toBe('0'.repeat(200));
    expect(redShare(withOutcome(outcomes, 'red'))).toBeCloseTo(2 / 202);
  });
});

describe('a batch', () => {
  it('grows while another is gated: the first is gated at once and alone, the others wait', () => {
    const queue = run(grown(4), started(1));
    expect(queue.runs.map(({ key }) => key)).toEqual([keyOf(1)]);
    expect(groupsOf(queue).map(({ links }) => links.length)).toEqual([1, 3]);
    expect(keysOf(queue)).toEqual([]);
  });

  it('says which run covers it before that is begun, and lands as a whole when the last is green', () => {
    const queue = together(4);
    expect(queue.runs.map(({ key }) => key)).toEqual([keyOf(4)]);
    expect(keysOf(queue)).toEqual([`seal/${objectId(102)}/`]);
    const ready = seal(queue);
    expect(keysOf(ready)).toEqual([`gate/${keyOf(4)}`]);
    const view = queueViewOf(run(ready, started(4)), TARGET, NOW_MS);
    expect(view.rows.map(({ state, waitingFor }) => [state, waitingFor])).toEqual(
      Array.from({ length: 3 }, () => ['gating', 'gated together, 3 at once']),
    );
    const lands = run(ready, started(4), green(4));
    expect(stages(lands)).toEqual(['2 landing', '3 landing', '4 landing']);
    const [land, ...others] = reconcile(lands, [], CLOCK).commands;
    expect(others).toEqual([]);
    const { tree } = candidateOf(104);
    expect(land).toMatchObject({
      kind: 'land',
      item: { taskId: taskId(4) },
      candidate: { main: objectId(201), commit: objectId(202), tree, cover: tree },
      under: [
        { item: { taskId: taskId(2) }, candidate: { main: objectId(101), commit: objectId(200), cover: tree } },
        { item: { taskId: taskId(3) }, candidate: { main: objectId(200), commit: objectId(201), cover: tree } },
      ],
    });
  });

  const LANDS = run(seal(together(4)), started(4), green(4));
  const pushed = (result: LandResult): Queue => run(LANDS, { kind: 'pushed', taskId: taskId(4), attempt: 1, result });

  it('is told to each task, with its own commit', () => {
    const over = pushed({ kind: 'landed', landing: landingAt(202), under: [landingAt(200), landingAt(201)] });
    expect(over.chain).toEqual([]);
    expect(over.landed).toBe(4);
    expect(over.main).toEqual({ commit: objectId(202), standing: 'green', foreign: false });
    const told = over.replies.map(({ taskId: id, reply }) => [
      id,
      reply.kind === 'landed' ? reply.landing.commit : null,
    ]);
    expect(told).toEqual([
      [taskId(1), objectId(101)],
      [taskId(2), objectId(200)],
      [taskId(3), objectId(201)],
      [taskId(4), objectId(202)],
    ]);
  });

  it('is answered as a whole, though what is said of the first changes the others', () => {
    const redMain = { text: 'main is red', sinceMs: NOW_MS, tries: 1, againMs: NOW_MS + 60_000 };
    const chain = LANDS.chain.map((entry) => ({ ...entry, heldText: redMain.text }));
    const result = { kind: 'landed', landing: landingAt(202), under: [landingAt(200), landingAt(201)] } as const;
    const mended = run({ ...LANDS, redMain, chain }, { kind: 'pushed', taskId: taskId(4), attempt: 1, result });
    expect(mended.chain).toEqual([]);
    expect(mended.landed).toBe(4);
    const mismatch: LandResult = { kind: 'mismatch', text: 'another tree' };
    const halted = pushed(mismatch);
    expect(halted.halt?.kind).toBe('mismatch');
    expect(halted.chain.map(({ stage, doubt }) => [stage.kind, doubt])).toEqual(
      Array.from({ length: 3 }, () => ['building', 'pushed']),
    );
  });

  it('is built again as a whole when main has moved, and is in doubt as a whole when a push has no answer', () => {
    expect(stages(pushed({ kind: 'moved' }))).toEqual(['2 building', '3 building', '4 building']);
    const doubtful = pushed({ kind: 'held', why: 'origin', text: 'no answer' });
    expect(doubtful.chain.map(({ doubt }) => doubt)).toEqual(['pushed', 'pushed', 'pushed']);
    const asked = run(doubtful, { kind: 'withdraw', taskId: taskId(3), handoff: 1 });
    // Whether it landed is asked of main, whatever is known of those ahead.
    expect(keysOf(asked)).toEqual([`build/${taskId(3)}/1/main`]);
  });

  it('that the origin refuses is tried in halves, though its last tree is green; one alone is refused', () => {
    const refused: LandResult = { kind: 'refused', failure: failureOf('landing-refused') };
    const again = pushed(refused);
    expect(stages(again)).toEqual(['2 building', '3 building', '4 building']);
    expect(again.replies.some(({ reply }) => reply.kind === 'refused')).toBe(false);
    const result: BuildResult = {
      kind: 'candidate',
      candidate: { ...candidateOf(102), main: objectId(101) },
      knownGreen: false,
    };
    const answer = { result, main: null, run: null, slots: 1, window: null };
    const second: QueueFact = { kind: 'built', taskId: taskId(2), attempt: 1, parent: null, known: null, answer };
    const halves = run(again, second, built(3), built(4));
    // The slot was idle when the first of them was built.
    expect(groupsOf(halves).map(({ links }) => links.length)).toEqual([1, 1, 1]);
  });

  it('that is red is halved at once, and nobody in it is blamed or run again', () => {
    const gating = run(seal(together(5)), started(5));
    for (const end of [suspect(5), red(5)]) {
      const halves = run(gating, end);
      expect(stages(halves)).toEqual(['2 candidate', '3 candidate', '4 candidate', '5 candidate']);
      expect(halves.replies.map(({ reply }) => reply.kind)).toEqual(['landed']);
      expect(groupsOf(halves).map(({ links }) => links.length)).toEqual([2, 1, 1]);
      expect(halves.runs.map(({ key }) => key)).toEqual([keyOf(3), keyOf(4)]);
    }
    expect(run(gating, suspect(5)).dropped.map(({ runId }) => runId)).toEqual(['run 5']);
  });

  it('is held as a whole when its run says nothing', () => {
    const held = run(
      seal(together(4)),
      started(4),
      gate(4, { kind: 'ended', verdict: { kind: 'none', reason: 'killed' } }),
    );
    expect(stages(held)).toEqual(['2 held', '3 held', '4 held']);
  });

  it('ends where the gate itself is changed: what a change of the gate makes of it does not cover the change', () => {
    const other = { ...candidateOf(103).gate, hash: 'other' };
    const begun: Queue = { ...EMPTY_QUEUE, batch: true, outcomes: RARE };
    const arrivals = [1, 2, 3].map((task): QueueFact => ({ kind: 'handed-off', item: itemOf(task, 1) }));
    const queue = run(
      reconcile(begun, arrivals, CLOCK).queue,
      built(1),
      started(1),
      built(2),
      built(3, { gate: other }),
    );
    expect(groupsOf(queue).map(({ links }) => links.length)).toEqual([1, 1, 1]);
  });

  it('waits a while when its commits could not be written, and is none when the project takes it back', () => {
    const queue = together(4);
    const failed = run(queue, {
      kind: 'sealed',
      first: { taskId: taskId(2), attempt: 1 },
      answer: { kind: 'failed', text: 'no disk' },
    });
    expect(stages(failed)[0]).toBe('2 held');
    const strict = run(seal(queue), { kind: 'told', count: 9 });
    const alone: Queue = { ...strict, batch: false };
    // Each that is gated by itself says nothing of another's run.
    expect(keysOf(alone)).toContain(`seal/${objectId(200)}/${candidateOf(104).tree}`);
  });

  it('is carried over to the next run of the workflow', () => {
    const queue = run(seal(together(5)), started(5), suspect(5));
    expect(unpackQueue(packQueue(queue))).toEqual({ ...queue, ...RULES });
    expect(queue.suspects).toHaveLength(4);
  });
});

const handedOff = (task: number): QueueFact => ({ kind: 'handed-off', item: itemOf(task, 1) });
const lengths = (queue: Queue): number[] => groupsOf(queue).map(({ links }) => links.length);

const unsealed = (task: number): QueueFact => ({
  kind: 'sealed',
  first: { taskId: taskId(task), attempt: 1 },
  answer: { kind: 'failed', text: 'no disk' },
});

describe('one of a project that lands in batches', () => {
  it('that is alone, and red at first, is run once more, and those behind go on without it', () => {
    const again = run(grown(2), started(1), suspect(1));
    expect(lengths(again)).toEqual([1]);
    expect(again.runs).toMatchObject([{ key: keyOf(1), state: 'suspect' }]);
    expect(keysOf(again)).toContain(`build/${taskId(2)}/1/main`);
  });

  it('that is alone, and red, waits for the word on main, and nobody is gated with it', () => {
    const waits = run(grown(2), started(1), red(1));
    expect(stages(waits)[0]).toBe('1 red');
    expect(lengths(waits)).toEqual([]);
    expect(keysOf(waits)).toContain(`gate-main/${objectId(MAIN)}`);
    expect(waits.replies).toEqual([]);
  });
});

describe('what comes while a batch is gated', () => {
  const gating = run(seal(together(4)), started(4));

  it('is built meanwhile, and left as it is when the batch is halved', () => {
    const halves = run(gating, handedOff(5), red(4));
    expect(stages(halves)).toEqual(['2 candidate', '3 candidate', '4 candidate', '5 building']);
    expect(lengths(halves)).toEqual([2, 1]);
  });

  it('is written anew without a word of a run that does not cover it, or not at all when it is not built yet', () => {
    const more = run(together(4), handedOff(5), built(5), handedOff(6));
    const command = reconcile(more, [], CLOCK).commands.find(({ kind }) => kind === 'seal');
    const { tree } = candidateOf(104);
    expect(command).toMatchObject({ parts: [{ cover: tree }, { cover: tree }, { cover: tree }, { cover: null }] });
    const after = seal(more);
    expect(stages(after)).toEqual(['2 candidate', '3 candidate', '4 candidate', '5 candidate', '6 building']);
    const covers = after.chain.map(({ stage }) => (stage.kind === 'candidate' ? stage.candidate.cover : null));
    expect(covers).toEqual([tree, tree, tree, undefined, null]);
  });

  it('keeps what was built while the commits were written', () => {
    const queue = together(4);
    const command = reconcile(queue, [], CLOCK).commands.find(({ kind }) => kind === 'seal');
    const later = run(queue, handedOff(5), built(5));
    if (command?.kind !== 'seal') throw new Error('nothing is to be sealed');
    const parts = command.parts.map(({ item, candidate, cover }, at) => ({
      taskId: item.taskId,
      attempt: item.attempt,
      was: candidate.commit,
      commit: objectId(200 + at),
      main: at === 0 ? candidate.main : objectId(199 + at),
      cover,
    }));
    const after = run(later, { kind: 'sealed', first: command.parts[0].item, answer: { kind: 'sealed', parts } });
    expect(after.chain.at(-1)).toEqual(later.chain.at(-1));
    // It stands on what is no more: it is built again.
    expect(keysOf(after)).toContain(`build/${taskId(5)}/1/${objectId(202)}`);
  });

  it('does not wait for commits of one that is gone, or is built again', () => {
    const gone = run(together(4), { kind: 'withdraw', taskId: taskId(2), handoff: 1 });
    expect(run(gone, unsealed(2))).toBe(gone);
    const building = run(gone, handedOff(5));
    expect(stages(building).at(-1)).toBe('5 building');
    expect(run(building, unsealed(5))).toBe(building);
  });
});

describe('a batch among others', () => {
  it('that is red at first is halved, and the runs on it are given up with it', () => {
    const outcomes = '0'.repeat(27) + '1'.repeat(3);
    const first = run(grown(11, { outcomes }), started(1), green(1));
    const landing = { ...LANDING, commit: objectId(101), tree: candidateOf(101).tree, main: objectId(MAIN) };
    const two = run(first, { kind: 'pushed', taskId: taskId(1), attempt: 1, result: { kind: 'landed', landing } });
    expect(two.runs.map(({ key }) => key)).toEqual([keyOf(6), keyOf(11)]);
    const halves = run(two, started(11), suspect(6));
    expect(halves.dropped.map(({ runId }) => runId)).toEqual(['run 6', 'run 11']);
    expect(halves.suspects).toHaveLength(5);
    expect(lengths(halves).slice(0, 3)).toEqual([3, 1, 1]);
  });

  it('that the origin refused is tried in halves though all of it is built and green', () => {
    const again = pushedAs(run(seal(together(4)), started(4), green(4)), {
      kind: 'refused',
      failure: failureOf('landing-refused'),
    });
    const candidate = { ...candidateOf(102), main: objectId(101) };
    const answer = { result: { kind: 'candidate', candidate, knownGreen: false }, main: null, run: null } as const;
    const second: QueueFact = {
      kind: 'built',
      taskId: taskId(2),
      attempt: 1,
      parent: null,
      known: null,
      answer: { ...answer, slots: 1, window: null },
    };
    const halves = reconcile(again, [second, built(3), built(4)], CLOCK).queue;
    expect(halves.green).toContain(keyOf(4));
    expect(lengths(halves)).toEqual([2, 1]);
    expect(halves.runs.map(({ key }) => key)).toEqual([keyOf(3)]);
  });

  it('of which a push names the last alone leaves it to git where the others are', () => {
    const landing = { ...LANDING, commit: objectId(202) };
    const over = pushedAs(run(seal(together(4)), started(4), green(4)), { kind: 'landed', landing });
    expect(over.chain.map(({ stage, doubt }) => [stage.kind, doubt])).toEqual([
      ['held', 'pushed'],
      ['held', 'pushed'],
    ]);
    expect(over.landed).toBe(2);
  });
});

function pushedAs(queue: Queue, result: LandResult): Queue {
  return run(queue, { kind: 'pushed', taskId: taskId(4), attempt: 1, result });
}
