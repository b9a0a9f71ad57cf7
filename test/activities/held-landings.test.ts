/** A candidate that was held is not tried again while it is known that it cannot land. */

import { describe, expect, it } from '@jest/globals';
import { HeldLandings } from '../../src/activities/held-landings.ts';
import type { Candidate, LandResult, Target } from '../../src/core/queue-types.ts';

const TARGET = { project: 'shop', branch: 'main', origin: '/shop' } as Target;
const CANDIDATE = { commit: 'c1', tree: 't1', main: 'm1' } as Candidate;
const heldBy = (why: 'checkout' | 'origin', text: string): LandResult => ({ kind: 'held', why, text });
const DIRTY = heldBy('checkout', 'list has changes');
const see = async (): Promise<string | null> => 'list has changes';
const nothing = async (): Promise<string | null> => null;
const never = async (): Promise<string | null> => {
  throw new Error('was looked at');
};

describe('a candidate that was held', () => {
  it('by what a person has in the checkout is held for as long as that is seen, in the words of the moment', async () => {
    const held = new HeldLandings(() => 0);
    held.note(TARGET, CANDIDATE, DIRTY);
    for (const text of ['list has changes', 'list and more have changes'])
      expect(await held.ask(TARGET, CANDIDATE, async () => text)).toEqual({ kind: 'held', why: 'checkout', text });
    expect(await held.ask(TARGET, CANDIDATE, nothing)).toBeNull();
  });

  it('is told by its tree and what it stands on, also when its commit was written anew', async () => {
    const held = new HeldLandings(() => 0);
    held.note(TARGET, CANDIDATE, DIRTY);
    expect(await held.ask(TARGET, { ...CANDIDATE, commit: 'c2' } as Candidate, see)).not.toBeNull();
    expect(await held.ask(TARGET, { ...CANDIDATE, main: 'm2' } as Candidate, never)).toBeNull();
    expect(await held.ask(TARGET, { ...CANDIDATE, tree: 't2' } as Candidate, never)).toBeNull();
    expect(await held.ask({ ...TARGET, branch: 'other' } as Target, CANDIDATE, never)).toBeNull();
  });

  it('by what cannot be seen is tried more and more rarely, up to a bound', async () => {
    let nowMs = 0;
    const held = new HeldLandings(() => nowMs);
    const waits: number[] = [];
    for (let tries = 1; tries <= 8; tries += 1) {
      held.note(TARGET, CANDIDATE, heldBy('origin', 'its disk is full'));
      const sinceMs = nowMs;
      while ((await held.ask(TARGET, CANDIDATE, never)) !== null) nowMs += 500;
      waits.push(nowMs - sinceMs);
    }
    expect(waits).toEqual([0, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000]);
  });

  it('is forgotten once a try comes to something else', async () => {
    const held = new HeldLandings(() => 0);
    held.note(TARGET, CANDIDATE, DIRTY);
    held.note(TARGET, CANDIDATE, { kind: 'moved' });
    expect(await held.ask(TARGET, CANDIDATE, never)).toBeNull();
  });
});
