import { describe, expect, it } from '@jest/globals';
import { differencesOf, isWhole, joinEvents, viewOfLanding, type Row } from '../../src/core/rebuild.ts';
import { viewOf } from '../../src/core/task-view.ts';
import { LANDING, SPEC, taskIn } from './rig.ts';

const task = taskIn('landing');
const view = viewOf(task, SPEC);
const events = task.unrecorded;

describe('what is known of a task', () => {
  it('is whole when no event is missing', () => {
    expect(isWhole({ view, events })).toBe(true);
    expect(isWhole({ view, events: events.slice(1) })).toBe(false);
    expect(isWhole({ view, events: events.slice(0, -1) })).toBe(false);
    expect(isWhole({ view, events: [...events.slice(0, -1), ...events.slice(0, 1)] })).toBe(false);
  });

  it('is joined of its runs, the earlier one counting where both tell of the same', () => {
    const later = events.slice(2).map((event) => ({ ...event, at: 'later' }));
    expect(joinEvents([events.slice(0, 3), later]).map(({ sequence, at }) => [sequence, at === 'later'])).toEqual(
      events.map(({ sequence }) => [sequence, sequence > 3]),
    );
  });

  it('is joined of its runs, the later one counting where they tell of something else', () => {
    const [first, second] = events;
    if (first === undefined || second === undefined) throw new Error('two events');
    const other = { ...second, sequence: first.sequence };
    expect(joinEvents([[first], [other, second]])).toEqual([other, second]);
  });
});

const row = (key: string, columns: Row['columns'], table = 'attempts'): Row => ({ table, key, columns });

describe('how a ledger differs', () => {
  it('is told by the rows that are missing, that are there alone, and by the columns that are not the same', () => {
    const before = [row('1', { phase: 'plan', host: 'a' }), row('2', { phase: 'plan' })];
    const after = [row('1', { phase: 'plan', host: 'b', more: 1 }), row('2', {}, 'asks')];
    expect(differencesOf(before, after)).toEqual([
      { table: 'attempts', key: '1', kind: 'different', columns: ['host', 'more'] },
      { table: 'asks', key: '2', kind: 'missing', columns: [] },
      { table: 'attempts', key: '2', kind: 'extra', columns: [] },
    ]);
  });

  it('is not in the order of keys, nor in when exactly an attempt began', () => {
    const at = (time: string): Row => row('1', { began_at: time, view: { a: 1, b: { c: 2, d: 3 } } });
    const other = row('1', { view: { b: { d: 3, c: 2 }, a: 1 }, began_at: '2026-01-01T00:00:00.100Z' });
    expect(differencesOf([at('2026-01-01T00:00:00.900+00:00')], [other])).toEqual([]);
    expect(differencesOf([at('2026-01-01T00:02:00.000Z')], [other])).toMatchObject([{ columns: ['began_at'] }]);
  });
});

const told = (at: string, since: string): Row => row('1', { at, event: { ask: { since, choices: ['a'] } } }, 'events');

describe('a time that the ledger has', () => {
  const [first, again] = ['2026-01-01T00:00:01.5+00:00', '2026-01-01T00:10:00+00:00'];
  const [firstSince, againSince] = ['2026-01-01T00:00:01.500Z', '2026-01-01T00:10:00.000Z'];

  it('is no difference when it heard the same before, of a worker that was lost then', () => {
    expect(differencesOf([told(first, firstSince)], [told(again, againSince)])).toEqual([]);
  });

  it('is one when it is later, when there is none, and when more than times are not the same', () => {
    expect(differencesOf([told(again, firstSince)], [told(first, firstSince)])).toMatchObject([{ columns: ['at'] }]);
    expect(differencesOf([told(first, againSince)], [told(again, firstSince)])).toMatchObject([{ columns: ['event'] }]);
    const ended = (at: unknown): Row => row('1', { ended_at: at });
    expect(differencesOf([ended(null)], [ended(first)])).toMatchObject([{ columns: ['ended_at'] }]);
    const other = row('1', { at: again, event: { ask: { since: againSince, choices: ['b'] } } }, 'events');
    expect(differencesOf([told(first, firstSince)], [other])).toMatchObject([{ columns: ['event'] }]);
    expect(differencesOf([row('1', { list: ['a'] })], [row('1', { list: { 0: 'a' } })])).toHaveLength(1);
    expect(differencesOf([row('1', { list: ['a'] })], [row('1', { list: ['a', 'b'] })])).toHaveLength(1);
  });
});

describe('a task of which only its commit tells', () => {
  it('is one that has landed by it, of which every other record counts more', () => {
    const { commit } = LANDING;
    const made = { ...LANDING, taskId: SPEC.id, title: 'Sort', author: 'Ada', at: '2026-01-01T00:00:00.000Z' };
    expect(viewOfLanding(made, SPEC)).toMatchObject({
      id: SPEC.id,
      project: 'demo',
      state: 'landed',
      owner: 'Ada',
      attempt: 3,
      commit,
      endedAt: made.at,
      sequence: 0,
    });
  });
});
