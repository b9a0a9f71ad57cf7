import { describe, expect, it } from '@jest/globals';
import {
  dueAtMs,
  newTask,
  nextTask,
  TASK_TABLE,
  type Stage,
  type Task,
  type TaskInputEvent,
} from '../../src/core/task.ts';
import {
  after,
  around,
  attemptEnded,
  checkpointOf,
  done,
  failureOf,
  HELD,
  LANDING,
  LATER,
  NOW_MS,
  objectId,
  proposed,
  REQUEST,
  taskId,
  taskIn,
} from './rig.ts';

type StageKind = Stage['kind'];
type EventKind = TaskInputEvent['kind'];

const EVENTS: { readonly [E in EventKind]: Extract<TaskInputEvent, { kind: E }> } = {
  'attempt-ended': { kind: 'attempt-ended', attempt: 1, outcome: done({ checkpoint: checkpointOf(1) }) },
  due: { kind: 'due' },
  answer: { kind: 'answer', version: 1, text: 'the first', actor: 'ada' },
  approve: { kind: 'approve', version: 1, text: null, items: [], ids: [], actor: 'ada' },
  revise: { kind: 'revise', version: 1, text: 'shorter', actor: 'ada' },
  reject: { kind: 'reject', version: 1, text: 'no', actor: 'ada' },
  comment: { kind: 'comment', text: 'mind the docs', actor: 'ada' },
  edit: { kind: 'edit', title: 'Sort them all', body: null, actor: 'ada' },
  block: { kind: 'block', by: taskId(3), text: 'Which one?' },
  release: { kind: 'release', by: taskId(2), text: 'the first', actor: 'ada' },
  retry: { kind: 'retry', actor: 'ada' },
  // Of other work than the task has, which changes nothing.
  conflict: { kind: 'conflict', head: objectId(99), conflict: null },
  cancel: { kind: 'cancel' },
  landed: { kind: 'landed', landing: LANDING },
  'nothing-to-land': { kind: 'nothing-to-land' },
  returned: { kind: 'returned', request: REQUEST },
  refused: { kind: 'refused', failure: failureOf('landing-refused') },
  held: { kind: 'held', held: HELD },
  withdrawn: { kind: 'withdrawn' },
};

/** A cell that looks closer, and finds that this event means nothing to this task. */
const SAME = 'the same';
const NOTES = { comment: 'itself', edit: 'itself', block: 'itself', release: SAME } as const;
const NOTED = { ...NOTES, conflict: SAME } as const;

/** Where each event leads; what is not named here is ignored. */
const LEADS: { readonly [S in StageKind]: { readonly [E in EventKind]?: string } } = {
  phase: { 'attempt-ended': 'phase plan', ...NOTED, cancel: 'ended canceled' },
  backoff: { due: 'phase understand', ...NOTED, retry: 'phase understand', cancel: 'ended canceled' },
  // What is open is a question.
  asking: {
    due: SAME,
    answer: 'phase understand',
    approve: SAME,
    revise: SAME,
    reject: SAME,
    ...NOTED,
    cancel: 'ended canceled',
  },
  blocked: { ...NOTED, release: 'phase plan', cancel: 'ended canceled' },
  parked: { ...NOTED, retry: 'phase understand', cancel: 'ended canceled' },
  landing: {
    ...NOTES,
    cancel: 'withdrawing',
    landed: 'ended landed',
    'nothing-to-land': 'ended unchanged',
    returned: 'phase revise',
    refused: 'ended failed',
    held: 'itself',
    withdrawn: 'ended canceled',
  },
  withdrawing: {
    landed: 'ended landed',
    'nothing-to-land': 'ended canceled',
    returned: 'ended canceled',
    refused: 'ended canceled',
    held: 'itself',
    withdrawn: 'ended canceled',
  },
  ended: {},
};

/** The row of `asking` when what is open is a proposal. */
const PROPOSAL_LEADS: { readonly [E in EventKind]?: string } = {
  due: SAME,
  answer: SAME,
  approve: 'phase understand',
  revise: 'phase understand',
  reject: 'ended rejected',
  ...NOTED,
  cancel: 'ended canceled',
};

function nameOf(stage: Stage): string {
  if (stage.kind === 'phase') return `phase ${stage.phase}`;
  return stage.kind === 'ended' ? `ended ${stage.end}` : stage.kind;
}

const proposing = (): Task => after(newTask(around()), [attemptEnded(1, proposed())]);
const ROWS = [
  ...(Object.keys(LEADS) as StageKind[]).map((stage) => ({ stage, leads: LEADS[stage], task: () => taskIn(stage) })),
  { stage: 'asking' as const, leads: PROPOSAL_LEADS, task: proposing },
];
const CELLS = ROWS.flatMap(({ stage, leads, task }) =>
  (Object.keys(EVENTS) as EventKind[]).map((event) => ({ stage, event, leads: leads[event], task })),
);

describe('the table of the task', () => {
  it('has exactly the stages and events that are tested here', () => {
    expect(Object.keys(TASK_TABLE).sort()).toEqual(Object.keys(LEADS).sort());
    for (const cells of Object.values(TASK_TABLE))
      expect(Object.keys(cells).sort()).toEqual(Object.keys(EVENTS).sort());
  });

  it.each(CELLS.filter(({ leads }) => leads === undefined))('ignores $event in $stage', ({ stage, event, task }) => {
    const before = task();
    expect(before.stage.kind).toBe(stage);
    expect(TASK_TABLE[stage][event]).toBe('ignored');
    expect(nextTask(before, EVENTS[event], LATER)).toBe(before);
  });

  it.each(CELLS.filter(({ leads }) => leads === SAME))('stays the same in $stage by $event', ({ event, task }) => {
    const before = task();
    expect(nextTask(before, EVENTS[event], LATER)).toBe(before);
  });

  it.each(CELLS.filter(({ leads }) => leads !== undefined && leads !== SAME))(
    'goes from $stage by $event to $leads',
    ({ stage, event, leads, task }) => {
      const before = task();
      const next = nextTask(before, EVENTS[event], LATER);
      expect(nameOf(next.stage)).toBe(leads === 'itself' ? nameOf(before.stage) : leads);
      expect(next.sequence).toBeGreaterThan(before.sequence);
      const begun = leads !== 'itself' && next.stage.kind === 'phase';
      expect(next.attempt).toBe(before.attempt + (begun ? 1 : 0));
      expect(next.endedAtMs).toBe(next.stage.kind === 'ended' ? LATER.nowMs : null);
      // What is only noted does not begin the wait anew.
      expect(next.sinceMs).toBe(leads === 'itself' ? before.sinceMs : LATER.nowMs);
      expect(stage).toBe(before.stage.kind);
    },
  );

  it('ignores the end of another attempt than the one under way', () => {
    const task = taskIn('phase');
    expect(nextTask(task, attemptEnded(2, done()), LATER)).toBe(task);
  });

  it('has something due by itself where it backs off, or a question has its time', () => {
    expect(dueAtMs(taskIn('backoff'))).toBeGreaterThan(NOW_MS);
    expect(dueAtMs(taskIn('asking'))).toBeNull();
    expect(dueAtMs(taskIn('phase'))).toBeNull();
  });

  it('ignores a due time that has not come', () => {
    const task = taskIn('backoff');
    expect(nextTask(task, EVENTS.due, around())).toBe(task);
  });
});
