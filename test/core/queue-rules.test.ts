/** When a queue's history is asked by which rules it goes. */

import { describe, expect, it } from '@jest/globals';
import { asksForRedRests, asksForToldOnce } from '../../src/core/queue-rules.ts';
import { EMPTY_QUEUE, type Queue, type QueueFact } from '../../src/core/queue.ts';
import {
  ALL_TOLD,
  built,
  candidate,
  CHAIN,
  CLOCK,
  green,
  handedOff,
  mainGate,
  MAIN_RED,
  pushed,
  red,
  run,
  say,
  withdraw,
} from './queue-rig.ts';
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

describe('a queue asks by the rules of which version it goes', () => {
  const silence = { kind: 'details', asked: [], items: [], isWhole: false } as const;
  const mismatch: Queue = { ...CHAIN, halt: { ...HALTED, kind: 'mismatch' } };

  it('when a task does not answer, and when one is asked back while main is not what was tested', () => {
    expect(asksForRedRests(CHAIN, [silence], CLOCK)).toBe(true);
    expect(asksForRedRests(mismatch, [withdraw(1)], CLOCK)).toBe(true);
  });

  it('and not for what tasks have answered, nor for one that is asked back otherwise', () => {
    expect(asksForRedRests(CHAIN, [{ ...silence, isWhole: true }], CLOCK)).toBe(false);
    expect(asksForRedRests(CHAIN, [withdraw(1)], CLOCK)).toBe(false);
    expect(asksForRedRests(mismatch, [handedOff(9)], CLOCK)).toBe(false);
  });
});

describe('a queue asks whether its red main may rest', () => {
  const blamed = run(CHAIN, red(1), ALL_TOLD);
  const redMain = run(blamed, mainGate(MAIN_RED), ALL_TOLD);
  const leave = [withdraw(1), withdraw(2), withdraw(3)];

  it('when main is red and nothing waits any more, whichever comes last', () => {
    expect(asksForRedRests(redMain, leave, CLOCK)).toBe(true);
    expect(asksForRedRests(run(blamed, ...leave), [mainGate(MAIN_RED)], CLOCK)).toBe(true);
    expect(asksForRedRests(run(redMain, ...leave), [], CLOCK)).toBe(true);
  });

  it('and not while anything waits, somebody has said resume, or main is not red', () => {
    expect(asksForRedRests(redMain, [withdraw(1)], CLOCK)).toBe(false);
    const newer: Queue = { ...run(redMain, ...leave), oneTurn: true };
    expect(asksForRedRests(newer, [handedOff(4)], CLOCK)).toBe(false);
    expect(asksForRedRests(newer, [say('resume')], CLOCK)).toBe(false);
    expect(asksForRedRests(run(blamed, ...leave), [mainGate({ kind: 'green' })], CLOCK)).toBe(false);
    expect(asksForRedRests(EMPTY_QUEUE, [handedOff(1)], CLOCK)).toBe(false);
  });
});
