/** The kernel's line of a process. */

import { describe, expect, it } from '@jest/globals';
import { hasEnded, parseShare, parseStat } from '../../src/core/process-stat.ts';

const NUMBERS = '7 8 9 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 5678 99 100';

describe("the kernel's line of a process", () => {
  it('is read by what stands behind a name, whatever that is', () => {
    const line = { state: 'S', parent: 7, group: 8, session: 9, workedTicks: 100, startTime: '5678' };
    for (const name of ['sh', 'a b', ') Z 1', '((', 'x\n) R 2 (y'])
      expect(parseStat(`123 (${name}) S ${NUMBERS}`)).toEqual(line);
  });

  it('says nothing when it is none, or was cut off', () => {
    for (const text of ['', '123', `123 sh S ${NUMBERS}`, '123 (sh)', '123 (sh) S 7 8 9'])
      expect(parseStat(text)).toBeNull();
  });

  it('tells a process that has ended, collected or not, from one that lives', () => {
    for (const state of ['Z', 'X']) expect(hasEnded({ state })).toBe(true);
    for (const state of ['R', 'S', 'D', 'T', 'I']) expect(hasEnded({ state })).toBe(false);
  });
});

describe('whose a process is', () => {
  it('is its real account, with its threads', () => {
    const status = 'Name:\tnode\nTgid:\t12\nUid:\t1000\t0\t0\t0\nGid:\t7\t7\t7\t7\nThreads:\t11\nSigQ:\t0/5\n';
    expect(parseShare(status)).toEqual({ account: 1000, threads: 11 });
  });

  it('says nothing when it has gone, or was cut off', () => {
    for (const text of ['', 'Name:\tnode\n', 'Uid:\t1000\t0\t0\t0\n', 'Threads:\t11\n'])
      expect(parseShare(text)).toBeNull();
  });
});
