import { describe, expect, it } from '@jest/globals';
import { isStored, pressureOn, turnOf, type Turn } from '../../src/core/relief.ts';
import type { TaskStateName, WaitingFor, WaitingKind } from '../../src/core/task-types.ts';
import { checkpointOf } from './rig.ts';

const waiting = (kind: WaitingKind): WaitingFor => ({
  kind,
  text: '',
  since: '',
  version: null,
  proposal: null,
  for: null,
  open: 0,
});
const view = (kind: WaitingKind) =>
  ({ state: 'waiting', waitingFor: waiting(kind), checkpoint: checkpointOf(2), agent: 'claude' }) as const;

describe('the workspace of a task', () => {
  it.each<[WaitingKind, Turn]>([
    ['question', 'first'],
    ['proposal', 'first'],
    ['attempts', 'first'],
    ['revisions', 'first'],
    ['blocked', 'first'],
    ['limit', 'later'],
    ['retry', 'soon'],
  ])('may go while it waits for %s: %s', (kind, turn) => {
    expect(turnOf(view(kind), checkpointOf(2))).toBe(turn);
  });

  it.each<[TaskStateName, Turn | null]>([
    ['queued', null],
    ['running', null],
    ['landing', 'later'],
    ['failed', 'first'],
    ['canceled', 'first'],
  ])('in the state %s: %s', (state, turn) => {
    expect(turnOf({ ...view('question'), state, waitingFor: null }, checkpointOf(2))).toBe(turn);
  });

  it('stays while it is not said what its task waits for', () => {
    expect(turnOf({ ...view('question'), waitingFor: null }, checkpointOf(2))).toBeNull();
  });

  it('stays while it holds what is stored nowhere else', () => {
    expect(turnOf(view('question'), checkpointOf(1))).toBeNull();
    expect(turnOf(view('question'), { ...checkpointOf(3), attempt: 2 })).toBeNull();
    expect(turnOf(view('question'), null)).toBeNull();
    expect(turnOf({ ...view('question'), checkpoint: null }, null)).toBeNull();
    expect(isStored({ checkpoint: null, agent: 'claude' }, checkpointOf(1))).toBe(false);
  });

  it('may go when nothing was ever stored, and nothing was left', () => {
    expect(turnOf({ ...view('attempts'), checkpoint: null }, 'nothing')).toBe('first');
    expect(turnOf(view('attempts'), 'nothing')).toBeNull();
  });

  it('may go with what a failed shell command left: it is run again from main', () => {
    expect(turnOf({ ...view('attempts'), checkpoint: null, agent: 'shell' }, null)).toBe('first');
    expect(turnOf({ ...view('attempts'), agent: 'shell' }, null)).toBeNull();
  });
});

describe('room on a host', () => {
  const caps = { count: 10, bytes: 1_000 };

  it.each([
    [{ count: 10, bytes: 1_000 }, false, null],
    [{ count: 0, bytes: 0 }, true, 'disk'],
    [{ count: 11, bytes: 0 }, false, 'count'],
    [{ count: 1, bytes: 1_001 }, false, 'bytes'],
    [{ count: 11, bytes: 1_001 }, true, 'disk'],
  ] as const)('%j, the disk short: %s: %s', (held, isShort, why) => {
    expect(pressureOn(held, caps, isShort)).toBe(why);
  });

  it('is never short of what nothing limits', () => {
    expect(pressureOn({ count: 1e9, bytes: 1e18 }, { count: Infinity, bytes: Infinity }, false)).toBeNull();
  });
});
