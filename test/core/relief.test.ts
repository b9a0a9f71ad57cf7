import { describe, expect, it } from '@jest/globals';
import { mayBeReclaimed } from '../../src/core/relief.ts';
import type { WaitingFor, WaitingKind } from '../../src/core/task-types.ts';
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
  ({ state: 'waiting', waitingFor: waiting(kind), checkpoint: checkpointOf(2) }) as const;

describe('the workspace of a task', () => {
  it.each<WaitingKind>(['question', 'proposal', 'attempts', 'revisions', 'blocked'])(
    'may go while it waits for %s',
    (kind) => {
      expect(mayBeReclaimed(view(kind), checkpointOf(2))).toBe(true);
    },
  );

  it.each<WaitingKind>(['retry', 'limit'])('stays while it goes on by itself (%s)', (kind) => {
    expect(mayBeReclaimed(view(kind), checkpointOf(2))).toBe(false);
  });

  it('stays while it does not wait', () => {
    for (const state of ['queued', 'running', 'landing', 'failed'] as const) {
      expect(mayBeReclaimed({ ...view('question'), state }, checkpointOf(2))).toBe(false);
    }
    expect(mayBeReclaimed({ ...view('question'), waitingFor: null }, checkpointOf(2))).toBe(false);
  });

  it('stays while it holds what is stored nowhere else', () => {
    expect(mayBeReclaimed(view('question'), checkpointOf(1))).toBe(false);
    expect(mayBeReclaimed(view('question'), { ...checkpointOf(3), attempt: 2 })).toBe(false);
    expect(mayBeReclaimed(view('question'), null)).toBe(false);
    expect(mayBeReclaimed({ ...view('question'), checkpoint: null }, null)).toBe(false);
  });
});
