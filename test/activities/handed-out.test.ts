/** How long ago an activity was handed out: what is said to be long ago is asked after, what is said to be young is believed. */

import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sinceHandedOut } from '../../src/activities/heartbeat.ts';

const NOW = Date.UTC(2026, 1, 3);

/** By this host's clock and the processor's time, in milliseconds. */
let passed: { clock: number; ticks: number };

beforeEach(() => {
  passed = { clock: 0, ticks: 0 };
  jest.spyOn(Date, 'now').mockImplementation(() => NOW + passed.clock);
  jest.spyOn(performance, 'now').mockImplementation(() => 1_000_000 + passed.ticks);
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** @param ago by the server's clock, as this host's shows it */
function handedOut(ago: number): Promise<() => number> {
  const environment = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: NOW - ago });
  return environment.run(() => Promise.resolve(sinceHandedOut()));
}

describe('what was handed out', () => {
  it('is as old as the server says, and gets older by whichever clock goes further', async () => {
    const lasted = await handedOut(7_000);
    expect(lasted()).toBe(7_000);
    passed = { clock: 200, ticks: 100 };
    expect(lasted()).toBe(7_200);
    passed = { clock: -60_000, ticks: 300 };
    expect(lasted()).toBe(7_300);
  });

  it('is too old rather than too young where the server’s clock is behind', async () => {
    expect((await handedOut(3_600_000))()).toBe(3_600_000);
  });

  it('is new where the server’s clock is a little ahead', async () => {
    for (const ahead of [1, 1_000]) expect((await handedOut(-ahead))()).toBe(0);
  });

  it('is of no known age where the server’s clock is further ahead', async () => {
    const lasted = await handedOut(-1_001);
    expect(lasted()).toBe(Infinity);
    passed = { clock: 3_600_000, ticks: 10 };
    expect(lasted()).toBe(Infinity);
  });
});
