import { describe, expect, it } from '@jest/globals';
import { countSlots, gatePollerName } from '../../src/activities/gate-slots.ts';

const NOW_MS = Date.UTC(2026, 0, 2);
const poller = (identity: string, gates: number, secondsAgo: number) => {
  return { name: gatePollerName(identity, gates), atMs: NOW_MS - secondsAgo * 1_000 };
};

describe('gate slots', () => {
  it('are those of all workers that poll, whichever host they are on', () => {
    expect(countSlots([poller('one@1', 2, 10), poller('two@7', 4, 60), poller('one@2', 1, 0)], NOW_MS)).toBe(7);
  });

  it('of a worker that is busy count, and of one that another has followed do not', () => {
    expect(countSlots([poller('one@1', 2, 200)], NOW_MS)).toBe(2);
    expect(countSlots([poller('one@1', 2, 200), poller('one@2', 3, 5)], NOW_MS)).toBe(3);
  });

  it('of a poller that says nothing are none', () => {
    expect(countSlots([{ name: 'somebody@1', atMs: NOW_MS }], NOW_MS)).toBe(0);
  });
});
