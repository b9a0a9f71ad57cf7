import { describe, expect, it } from '@jest/globals';
import { EMPTY_QUEUE, nextQueue, type Queue, type QueueEvent, type QueueStep } from '../../src/core/queue.ts';
import { candidateOf, itemOf, LANDING, NOW_MS, taskId } from './rig.ts';

type StepKind = QueueStep['kind'];

const CLOCK = { nowMs: NOW_MS, random: 0.5 };
const LATER = { nowMs: NOW_MS + 60_000, random: 0.5 };

function run(queue: Queue, ...events: readonly QueueEvent[]): Queue {
  return events.reduce((next, event) => nextQueue(next, event, CLOCK), queue);
}

const BUILDING = run(EMPTY_QUEUE, { kind: 'enqueued', item: itemOf(1, 3) }, { kind: 'enqueued', item: itemOf(2, 3) });
const CANDIDATE: QueueEvent = {
  kind: 'built',
  result: { kind: 'candidate', candidate: candidateOf(5), knownGreen: false },
};
const GATING = run(BUILDING, CANDIDATE);
const LANDING_STEP = run(GATING, { kind: 'gated', verdict: { kind: 'green' } });

const IN: { readonly [S in StepKind]: Queue } = {
  idle: EMPTY_QUEUE,
  building: BUILDING,
  gating: GATING,
  landing: LANDING_STEP,
  holding: run(BUILDING, { kind: 'built', result: { kind: 'held', why: 'origin', text: 'no answer' } }),
  stopped: run(LANDING_STEP, { kind: 'pushed', result: { kind: 'mismatch', text: 'another tree' } }),
};

const EVENTS = {
  enqueued: { kind: 'enqueued', item: itemOf(9, 1) },
  'enqueued again': { kind: 'enqueued', item: itemOf(1, 3) },
  'withdraw of the present': { kind: 'withdraw', taskId: taskId(1), handoff: 3 },
  'withdraw of the next': { kind: 'withdraw', taskId: taskId(2), handoff: 3 },
  built: CANDIDATE,
  gated: { kind: 'gated', verdict: { kind: 'green' } },
  pushed: { kind: 'pushed', result: { kind: 'landed', landing: LANDING } },
  due: { kind: 'due' },
  told: { kind: 'told', count: 1 },
  'told of nothing': { kind: 'told', count: 0 },
} as const satisfies Record<string, QueueEvent>;

type EventName = keyof typeof EVENTS;

/** The step that follows and how many items are left; what is not named here is ignored. */
const LEADS: { readonly [S in StepKind]: { readonly [E in EventName]?: readonly [StepKind, number] } } = {
  idle: {
    enqueued: ['building', 1],
    'enqueued again': ['building', 1],
    'withdraw of the present': ['idle', 0],
    'withdraw of the next': ['idle', 0],
    told: ['idle', 0],
  },
  building: {
    enqueued: ['building', 3],
    'withdraw of the present': ['building', 1],
    'withdraw of the next': ['building', 1],
    built: ['gating', 2],
    told: ['building', 2],
  },
  gating: {
    enqueued: ['gating', 3],
    'withdraw of the present': ['building', 1],
    'withdraw of the next': ['gating', 1],
    gated: ['landing', 2],
    told: ['gating', 2],
  },
  landing: {
    enqueued: ['landing', 3],
    'withdraw of the present': ['landing', 2],
    'withdraw of the next': ['landing', 1],
    pushed: ['building', 1],
    told: ['landing', 2],
  },
  holding: {
    enqueued: ['holding', 3],
    'withdraw of the present': ['building', 1],
    'withdraw of the next': ['holding', 1],
    due: ['building', 2],
    told: ['holding', 2],
  },
  stopped: {
    enqueued: ['stopped', 3],
    'withdraw of the next': ['stopped', 1],
    told: ['stopped', 2],
  },
};

const CELLS = (Object.keys(IN) as StepKind[]).flatMap((step) =>
  (Object.keys(EVENTS) as EventName[]).map((event) => ({ step, event, leads: LEADS[step][event] })),
);

describe('the table of the queue', () => {
  it.each(CELLS.filter(({ leads }) => leads === undefined))('ignores $event in $step', ({ step, event }) => {
    expect(IN[step].step.kind).toBe(step);
    expect(nextQueue(IN[step], EVENTS[event], LATER)).toBe(IN[step]);
  });

  it.each(CELLS.filter(({ leads }) => leads !== undefined))('goes from $step by $event to $leads', (cell) => {
    const next = nextQueue(IN[cell.step], EVENTS[cell.event], LATER);
    expect([next.step.kind, next.items.length]).toEqual(cell.leads);
  });

  it('ignores a due time that has not come', () => {
    expect(nextQueue(IN.holding, EVENTS.due, CLOCK)).toBe(IN.holding);
  });
});
