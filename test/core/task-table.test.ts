import { describe, expect, it } from '@jest/globals';
import { nextTask, TASK_TABLE, type Stage, type TaskInputEvent } from '../../src/core/task.ts';
import { around, attemptEnded, checkpointOf, done, failureOf, HELD, LANDING, NOW_MS, REQUEST, taskIn } from './rig.ts';

type StageKind = Stage['kind'];
type EventKind = TaskInputEvent['kind'];

const EVENTS: { readonly [E in EventKind]: Extract<TaskInputEvent, { kind: E }> } = {
  'attempt-ended': { kind: 'attempt-ended', attempt: 1, outcome: done({ checkpoint: checkpointOf(1) }) },
  due: { kind: 'due' },
  answer: { kind: 'answer', version: 1, text: 'the first', actor: 'ada' },
  approve: { kind: 'approve', version: 2, text: null, items: [], ids: [], actor: 'ada' },
  revise: { kind: 'revise', version: 2, text: 'shorter', actor: 'ada' },
  reject: { kind: 'reject', version: 2, text: 'no', actor: 'ada' },
  comment: { kind: 'comment', text: 'mind the docs', actor: 'ada' },
  edit: { kind: 'edit', title: 'Sort them all', body: null, actor: 'ada' },
  block: { kind: 'block', by: taskId(3), text: 'Which one?' },
  release: { kind: 'release', by: taskId(2), text: 'the first', actor: 'ada' },
  retry: { kind: 'retry', actor: 'ada' },
  cancel: { kind: 'cancel' },
  landed: { kind: 'landed', landing: LANDING },
  'nothing-to-land': { kind: 'nothing-to-land' },
  returned: { kind: 'returned', request: REQUEST },
  refused: { kind: 'refused', failure: failureOf('landing-refused') },
  held: { kind: 'held', held: HELD },
  withdrawn: { kind: 'withdrawn' },
};

/** Where each event leads; what is not named here is ignored. */
const LEADS: { readonly [S in StageKind]: { readonly [E in EventKind]?: string } } = {
  phase: { 'attempt-ended': 'phase plan', cancel: 'ended canceled' },
  backoff: { due: 'phase understand', retry: 'phase understand', cancel: 'ended canceled' },
  asking: { answer: 'phase understand', cancel: 'ended canceled' },
  parked: { retry: 'phase understand', cancel: 'ended canceled' },
  landing: {
    cancel: 'withdrawing',
    landed: 'ended landed',
    'nothing-to-land': 'ended unchanged',
    returned: 'phase revise',
    refused: 'ended failed',
    held: 'landing',
  },
  withdrawing: {
    landed: 'ended landed',
    'nothing-to-land': 'ended canceled',
    returned: 'ended canceled',
    refused: 'ended canceled',
    held: 'withdrawing',
    withdrawn: 'ended canceled',
  },
  ended: {},
};

function nameOf(stage: Stage): string {
  if (stage.kind === 'phase') return `phase ${stage.phase}`;
  return stage.kind === 'ended' ? `ended ${stage.end}` : stage.kind;
}

const CELLS = (Object.keys(LEADS) as StageKind[]).flatMap((stage) =>
  (Object.keys(EVENTS) as EventKind[]).map((event) => ({ stage, event, leads: LEADS[stage][event] })),
);
const LATER = around({ nowMs: NOW_MS + 120_000 });

describe('the table of the task', () => {
  it('has exactly the stages and events that are tested here', () => {
    expect(Object.keys(TASK_TABLE).sort()).toEqual(Object.keys(LEADS).sort());
    for (const cells of Object.values(TASK_TABLE))
      expect(Object.keys(cells).sort()).toEqual(Object.keys(EVENTS).sort());
  });

  it.each(CELLS.filter(({ leads }) => leads === undefined))('ignores $event in $stage', ({ stage, event }) => {
    const task = taskIn(stage);
    expect(task.stage.kind).toBe(stage);
    expect(TASK_TABLE[stage][event]).toBe('ignored');
    expect(nextTask(task, EVENTS[event], LATER)).toBe(task);
  });

  it.each(CELLS.filter(({ leads }) => leads !== undefined))('goes from $stage by $event to $leads', (cell) => {
    const task = taskIn(cell.stage);
    const next = nextTask(task, EVENTS[cell.event], LATER);
    expect(nameOf(next.stage)).toBe(cell.leads);
    expect(next.sequence).toBeGreaterThan(task.sequence);
    expect(next.attempt).toBe(task.attempt + (next.stage.kind === 'phase' ? 1 : 0));
    expect(next.endedAtMs).toBe(next.stage.kind === 'ended' ? LATER.nowMs : null);
  });

  it('ignores the end of another attempt than the one under way', () => {
    const task = taskIn('phase');
    expect(nextTask(task, attemptEnded(2, done()), LATER)).toBe(task);
  });

  it('ignores a due time that has not come', () => {
    const task = taskIn('backoff');
    expect(nextTask(task, EVENTS.due, around())).toBe(task);
  });
});
