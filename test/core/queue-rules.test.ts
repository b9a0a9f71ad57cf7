/** When a queue's history is asked by which rules it goes. */

import { describe, expect, it } from '@jest/globals';
import { asksForToldOnce } from '../../src/core/queue-rules.ts';
import { EMPTY_QUEUE, type Queue, type QueueFact } from '../../src/core/queue.ts';
import { ALL_TOLD, built, candidate, CHAIN, green, handedOff, pushed, say } from './queue-rig.ts';
import { NOW_MS } from './rig.ts';

const HALTED = { kind: 'person', text: 'paused', sinceMs: NOW_MS } as const;
const RED_MAIN = { text: 'main is red', logTail: '', sinceMs: NOW_MS, tries: 1, againMs: NOW_MS };
const HELD = { kind: 'held', why: 'origin', text: 'away' } as const;
const [first] = CHAIN.chain;

const withFirst = (change: object): Queue => ({
  ...CHAIN,
  chain: CHAIN.chain.map((entry) => (entry === first ? { ...entry, ...change } : entry)),
});

describe('a queue does not ask by which rules it goes', () => {
  it('while nothing stands still', () => {
    expect(asksForToldOnce(EMPTY_QUEUE, [])).toBe(false);
    expect(asksForToldOnce(CHAIN, [handedOff(9), green(1), ALL_TOLD])).toBe(false);
  });

  it('for what was built, or told by its tasks, as it should be', () => {
    const details = { kind: 'details', asked: [], items: [], isWhole: true } as const;
    expect(asksForToldOnce(CHAIN, [built(1, candidate(1)), details])).toBe(false);
  });
});

describe('a queue asks by which rules it goes', () => {
  it.each<[string, Queue]>([
    ['is paused', { ...CHAIN, halt: HALTED }],
    ['has a red main', { ...CHAIN, redMain: RED_MAIN }],
    ['tries one again', withFirst({ holds: 1 })],
    ['has told one that it is held', withFirst({ heldText: 'away' })],
    ['does not know where one is', withFirst({ doubt: 'pushed' })],
  ])('that %s', (_name, queue) => {
    expect(asksForToldOnce(queue, [])).toBe(true);
  });

  it.each<[string, QueueFact]>([
    ['a person says something', say('resume')],
    ['one cannot be built now', built(1, HELD)],
    ['one cannot land now', pushed(1, HELD)],
    ['a task does not answer', { kind: 'details', asked: [], items: [], isWhole: false }],
  ])('when %s', (_name, fact) => {
    expect(asksForToldOnce(CHAIN, [ALL_TOLD, fact])).toBe(true);
  });
});
