import { describe, expect, it } from '@jest/globals';
import { NEW_QUEUE } from '../../src/core/queue.ts';
import { packQueue, unpackQueue } from '../../src/core/queue-carried.ts';
import { isHandOff, isVerdict, itemIn } from '../../src/workflows/integration-messages.ts';
import { run } from '../core/queue-rig.ts';
import { itemOf, taskId } from '../core/rig.ts';

const ITEM = itemOf(1, 1);
const said = (change: object): unknown => JSON.parse(JSON.stringify({ origin: 'o', item: { ...ITEM, ...change } }));
const taken = (message: unknown) => {
  if (!isHandOff(message)) throw new Error('it was not taken');
  return itemIn(message);
};

describe('a hand-off', () => {
  it('is taken as it is', () => {
    expect(taken(said({}))).toEqual(ITEM);
  });

  it.each([
    ['no word', undefined],
    ['a text', 'task'],
    ['no item', { origin: 'o' }],
    ['no origin', { item: ITEM }],
    ['an id that is none', said({ taskId: 'a b' })],
    ['an attempt that is no number', said({ attempt: '1' })],
    ['half an attempt', said({ attempt: 1.5 })],
    ['no head', said({ head: undefined })],
    ['a head that is a branch', said({ head: 'main' })],
    ['no base', said({ base: null })],
    ['no title', said({ title: undefined })],
    ['a summary that is no text', said({ summary: 7 })],
    ['no author', said({ author: undefined })],
    ['an author without an address', said({ author: { name: 'Ada' } })],
    ['no time', said({ enqueuedAtMs: undefined })],
    ['a time that is a text', said({ enqueuedAtMs: 'noon' })],
  ])('with %s is refused', (_what, message) => {
    expect(isHandOff(message)).toBe(false);
  });

  it('of an older version has the place of its hand-off, and what else it does not say is nothing', () => {
    const { placeMs: _place, returns: _returns, mayReturn: _may, turnMs: _turn, parent: _parent, ...old } = ITEM;
    const { priority: _priority, ...older } = old;
    const item = taken({ origin: 'o', item: older });
    expect(item).toEqual({
      ...older,
      priority: 'normal',
      placeMs: ITEM.enqueuedAtMs,
      returns: 0,
      mayReturn: 0,
      turnMs: 0,
      parent: null,
    });
    const carried = unpackQueue(
      packQueue(run({ ...NEW_QUEUE, halt: { kind: 'person', text: 'x', sinceMs: 0 } }, { kind: 'handed-off', item })),
    );
    expect(carried.line).toMatchObject([{ taskId: taskId(1), placeMs: ITEM.enqueuedAtMs }]);
  });

  it.each(['placeMs', 'returns', 'mayReturn', 'turnMs'])('whose %s makes no sense counts as one without', (field) => {
    const nothing = field === 'placeMs' ? ITEM.enqueuedAtMs : 0;
    for (const value of ['5', null, {}, []])
      expect(taken(said({ [field]: value }))).toMatchObject({ [field]: nothing });
  });

  it('whose parent, priority or removed tests make no sense counts as one without', () => {
    const item = taken(said({ parent: 'a b', priority: 'first', removedTests: 'all', firstRun: 7 }));
    expect(item).toMatchObject({ parent: null, priority: 'normal' });
    expect(item).not.toHaveProperty('removedTests');
    expect(item).not.toHaveProperty('firstRun');
  });
});

describe('a verdict', () => {
  const red = { kind: 'red', failedCommand: 'npm test', text: 'exited with 1', logTail: '', landedSince: [] };

  it.each([
    { kind: 'running', runId: 'r', suspect: false },
    { kind: 'ended', verdict: { kind: 'green' } },
    { kind: 'ended', verdict: { kind: 'none', reason: 'lost' } },
    { kind: 'ended', verdict: red },
  ])('is taken: %j', (state) => {
    expect(isVerdict({ key: 'k', state })).toBe(true);
  });

  it.each([
    { kind: 'running' },
    { kind: 'ended' },
    { kind: 'ended', verdict: { kind: 'blue' } },
    { kind: 'ended', verdict: { kind: 'none' } },
    { kind: 'ended', verdict: { ...red, logTail: undefined } },
    { kind: 'ended', verdict: { ...red, text: 7 } },
    { kind: 'ended', verdict: { ...red, landedSince: null } },
  ])('that lacks what follows from it is refused: %j', (state) => {
    expect(isVerdict({ key: 'k', state })).toBe(false);
  });
});
