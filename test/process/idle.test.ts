/** When a tree is idle: by the clock's own steps, so that no test waits. */

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { watchIdle, type IdleWatch } from '../../src/process/idle.ts';
import type { Members } from '../../src/process/members.ts';
import { tempFolder } from '../support/temp.ts';

/** With a window of 100 ms at its end. */
const LIMIT_MS = 400;

/** A tree of one process that has had so many ticks, of 10 ms, of a processor. */
async function treeOf(): Promise<{ readonly members: Members; readonly worked: (ticks: number) => void }> {
  const proc = await tempFolder('proc');
  mkdirSync(join(proc, '1'));
  const worked = (ticks: number): void =>
    writeFileSync(join(proc, '1/stat'), `1 (name) S ${'0 '.repeat(10)}${ticks} 0 0 0 20 0 1 0 5678\n`);
  worked(0);
  return { members: { proc, pids: [1] }, worked };
}

describe('a tree is idle', () => {
  let idle = 0;
  const watches: IdleWatch[] = [];
  beforeEach(() => {
    idle = 0;
    jest.useFakeTimers();
  });
  afterEach(() => {
    for (const watch of watches.splice(0)) watch.stop();
    jest.useRealTimers();
  });
  const watch = (members: Members | null): IdleWatch => {
    const made = watchIdle(LIMIT_MS, () => members, () => (idle += 1)); // prettier-ignore
    watches.push(made);
    return made;
  };

  it('once it has printed nothing for so long, and not before', () => {
    watch(null);
    jest.advanceTimersByTime(LIMIT_MS - 1);
    expect(idle).toBe(0);
    jest.advanceTimersByTime(1);
    expect(idle).toBe(1);
  });

  it.each([50, 350])('not when it prints after %d ms, and so long after that it is', (ms) => {
    const made = watch(null);
    jest.advanceTimersByTime(ms);
    made.printed();
    jest.advanceTimersByTime(LIMIT_MS - 1);
    expect(idle).toBe(0);
    jest.advanceTimersByTime(1);
    expect(idle).toBe(1);
  });

  it('not while it works a tenth of the time, and once it does no more', async () => {
    const { members, worked } = await treeOf();
    watch(members);
    jest.advanceTimersByTime(350);
    worked(1);
    jest.advanceTimersByTime(50);
    expect(idle).toBe(0);
    jest.advanceTimersByTime(LIMIT_MS);
    expect(idle).toBe(1);
  });

  it('never once nobody watches any more, within the last window either', () => {
    for (const ms of [0, 350]) {
      const made = watch(null);
      jest.advanceTimersByTime(ms);
      made.stop();
    }
    jest.advanceTimersByTime(10 * LIMIT_MS);
    expect(idle).toBe(0);
    expect(jest.getTimerCount()).toBe(0);
  });
});
