import { describe, expect, it } from '@jest/globals';
import type { TaskId } from '../../src/core/ids.ts';
import {
  concernsRadar,
  MAX_PAIRS,
  pairsOf,
  present,
  reportOf,
  someOf,
  tellingsOf,
  type Sight,
} from '../../src/core/radar.ts';
import { phaseRequestOf } from '../../src/core/task-request.ts';
import { nextTask, newTask } from '../../src/core/task.ts';
import type { MainConflict } from '../../src/core/task-types.ts';
import { viewOf } from '../../src/core/task-view.ts';
import {
  after,
  around,
  asked,
  attemptEnded,
  checkpointOf,
  done,
  happened,
  LATER,
  objectId,
  SPEC,
  taskId,
} from './rig.ts';

const conflictOf = (head: number, files = ['a.txt']): MainConflict => ({
  head: objectId(head),
  main: objectId(50),
  files,
  landed: [{ commit: objectId(50), title: 'Sort', summary: 'Newest first.' }],
});
/** Its first attempt has stored work and asks something. */
const waiting = after(newTask(around()), [attemptEnded(1, asked({}, { checkpoint: checkpointOf(1) }))]);
const told = (head: number, conflict: MainConflict | null) =>
  ({ kind: 'conflict', head: objectId(head), conflict }) as const;

describe('a task that is told of a conflict', () => {
  it('has it on record once, and in the prompt of its next phase', () => {
    const conflict = conflictOf(101);
    const knows = nextTask(waiting, told(101, conflict), LATER);
    expect(knows.unrecorded.at(-1)?.happened).toEqual({ kind: 'conflict-seen', conflict, waits: true });
    expect(knows.stage).toBe(waiting.stage);
    expect(viewOf(knows, SPEC).conflict).toEqual(conflict);
    expect(nextTask(knows, told(101, { ...conflict, main: objectId(51) }), LATER)).toBe(knows);
    const goesOn = nextTask(knows, { kind: 'answer', version: 1, text: 'x', actor: 'Ada' }, LATER);
    expect(phaseRequestOf(goesOn, SPEC).conflict).toEqual(conflict);
  });

  it('does not wait for people while an attempt runs', () => {
    const running = after(waiting, [{ kind: 'answer', version: 1, text: 'x', actor: 'Ada' }]);
    const knows = nextTask(running, told(101, conflictOf(101)), LATER);
    expect(knows.unrecorded.at(-1)?.happened).toMatchObject({ kind: 'conflict-seen', waits: false });
  });

  it('does not hear what is said of earlier work', () => {
    expect(nextTask(waiting, told(100, conflictOf(100)), LATER)).toBe(waiting);
  });

  it('hears when it is over, and forgets it when it is handed off', () => {
    const knows = nextTask(waiting, told(101, conflictOf(101)), LATER);
    const over = nextTask(knows, told(101, null), LATER);
    expect(over.conflict).toBeNull();
    expect(happened(over).slice(-2)).toEqual(['conflict-seen', 'conflict-seen']);
    const landing = after(knows, [
      { kind: 'answer', version: 1, text: 'x', actor: 'Ada' },
      attemptEnded(2, done()),
      attemptEnded(3, done()),
      attemptEnded(4, done({ checkpoint: checkpointOf(4) })),
    ]);
    expect(landing.stage.kind).toBe('landing');
    expect(landing.conflict).toBeNull();
    expect(nextTask(landing, told(104, conflictOf(104)), LATER)).toBe(landing);
  });
});

const sightOf = (conflicts: readonly (readonly [TaskId, MainConflict])[], seen: readonly TaskId[]): Sight => {
  return { main: objectId(50), seen, conflicts: new Map(conflicts), overlaps: [] };
};

describe('who is told', () => {
  const view = { ...viewOf(waiting, SPEC), id: taskId(1) };

  it('is whose record does not have it', () => {
    const sight = sightOf([[taskId(1), conflictOf(101)]], [taskId(1)]);
    const telling = { id: taskId(1), head: objectId(101), conflict: conflictOf(101) };
    expect(tellingsOf([view], sight)).toEqual([telling]);
    expect(tellingsOf([{ ...view, conflict: conflictOf(101) }], sight)).toEqual([]);
    expect(tellingsOf([{ ...view, conflict: conflictOf(101, ['b.txt']) }], sight)).toEqual([telling]);
    expect(tellingsOf([{ ...view, conflict: conflictOf(100) }], sight)).toEqual([telling]);
  });

  it('is whose conflict is over, but not who could not be looked at', () => {
    const known = { ...view, conflict: conflictOf(101) };
    expect(tellingsOf([known], sightOf([], [taskId(1)]))).toEqual([
      { id: taskId(1), head: objectId(101), conflict: null },
    ]);
    expect(tellingsOf([known], sightOf([], []))).toEqual([]);
  });

  it('is nobody who is landing', () => {
    const sight = sightOf([[taskId(1), conflictOf(101)]], [taskId(1)]);
    expect(tellingsOf([{ ...view, state: 'landing' }], sight)).toEqual([]);
  });
});

describe('pairs of tasks', () => {
  it('are those that touch the same files, those that share the most first', () => {
    const touched = new Map([
      [taskId(1), ['a', 'b', 'c']],
      [taskId(2), ['a']],
      [taskId(3), ['b', 'c']],
      [taskId(4), ['d']],
    ]);
    expect(pairsOf(touched)).toEqual([
      { one: taskId(1), other: taskId(3), files: ['b', 'c'] },
      { one: taskId(1), other: taskId(2), files: ['a'] },
    ]);
  });

  it('are bounded, and a file that everybody touches makes none', () => {
    const all = Array.from({ length: 100 }, (_, at) => taskId(at));
    expect(pairsOf(new Map(all.map((id) => [id, ['CHANGELOG.md']])))).toEqual([]);
    const groups = new Map(all.map((id, at) => [id, [`group ${at % 6}`]]));
    expect(pairsOf(groups)).toHaveLength(MAX_PAIRS);
  });
});

it('names as many files as travel with a task, and one in any case', () => {
  const files = Array.from({ length: 50 }, (_, at) => `file ${at}`);
  expect(someOf(files)).toEqual(files.slice(0, 20));
  expect(someOf(files.map((file) => file.padEnd(1_500, '.')))).toHaveLength(2);
  expect(someOf(['x'.repeat(9_000), 'y'])).toEqual(['x'.repeat(9_000)]);
  expect(someOf([])).toEqual([]);
});

describe('the report', () => {
  it('names the tasks, and leaves out those that have ended since', () => {
    const [one, other] = [1, 2].map((number) => ({
      ...viewOf(waiting, SPEC),
      id: taskId(number),
      title: `T${number}`,
    }));
    if (one === undefined || other === undefined) throw new Error('no views');
    const overlaps = [{ one: one.id, other: other.id, files: ['a.txt'], conflict: true }];
    const sight = { ...sightOf([[one.id, conflictOf(101)]], [one.id, other.id]), overlaps };
    const report = reportOf(SPEC, [one, other], sight, 'now');
    expect(report).toMatchObject({
      project: SPEC.project,
      looked: 2,
      withMain: [{ id: one.id, title: 'T1', state: 'waiting', files: ['a.txt'] }],
      overlaps: [{ tasks: [{ id: one.id }, { id: other.id }], files: ['a.txt'], conflict: true }],
    });
    expect(present(report, new Set([other.id]))).toMatchObject({ withMain: [{ id: one.id }], overlaps: [] });
    expect(present(report, new Set([one.id]))).toMatchObject({ withMain: [], overlaps: [] });
  });
});

describe('a record', () => {
  it('concerns the radar when its task has landed, or has work that may conflict', () => {
    const view = viewOf(waiting, SPEC);
    expect(concernsRadar(view)).toBe(true);
    expect(concernsRadar({ ...view, state: 'landed' })).toBe(true);
    expect(concernsRadar({ ...view, state: 'canceled' })).toBe(false);
    expect(concernsRadar({ ...view, checkpoint: null })).toBe(false);
    expect(concernsRadar({ ...view, checkpoint: checkpointOf(1, false) })).toBe(false);
  });
});
