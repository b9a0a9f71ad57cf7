import { describe, expect, it } from '@jest/globals';
import { batchBound, simulateLanding, strictBound, type SimulationResult } from './landing-simulation.ts';
import { diceOf } from './rig.ts';

const TASKS = 300;
const GATE_MS = 1_000;

function rateOf(red: number, slots: number): SimulationResult & { readonly ofBound: number } {
  const result = simulateLanding({ tasks: TASKS, red, slots, gateMs: GATE_MS, dice: diceOf(7) });
  return { ...result, ofBound: result.landingsPerHour / strictBound({ red, slots, gateMs: GATE_MS }) };
}

describe('landing in simulated time', () => {
  it.each([1, 2, 4])('is as fast as its %d slots allow while nothing is red', (slots) => {
    const { landed, ofBound, gateRuns } = rateOf(0, slots);
    expect([landed, gateRuns]).toEqual([TASKS, TASKS]);
    expect(ofBound).toBeGreaterThan(0.97);
  });

  /** Red is run twice, and what stood on it again: each has its price, and these are what the rules come to. */
  it.each([
    [0.02, 1, 0.9],
    [0.02, 2, 0.9],
    [0.02, 4, 0.85],
    [0.1, 1, 0.85],
    [0.1, 2, 0.75],
    [0.1, 4, 0.6],
    [0.3, 1, 0.6],
    [0.3, 2, 0.5],
    [0.3, 4, 0.4],
  ])('with %d red on %d slots keeps at least %d of the bound, and decides everybody', (red, slots, least) => {
    const { landed, returned, ofBound } = rateOf(red, slots);
    expect(landed + returned).toBe(TASKS);
    expect(ofBound).toBeGreaterThan(least);
  });

  /** What the rules come to, beside what each run can say at most. */
  it.each([
    [0, 5, 0],
    [0.02, 3, 0.4],
    [0.1, 1.2, 0.5],
    [0.3, 0.9, 0.4],
  ])(
    'with %d red in batches on one slot lands %d times as many as strictly, and %d of the bound',
    (red, times, least) => {
      const options = { tasks: TASKS, red, slots: 1, gateMs: GATE_MS };
      const strict = simulateLanding({ ...options, dice: diceOf(7) });
      const batched = simulateLanding({ ...options, batch: true, dice: diceOf(7) });
      expect(batched.landed + batched.returned).toBe(TASKS);
      expect([batched.landed, batched.returned]).toEqual([strict.landed, strict.returned]);
      expect(batched.landingsPerHour / strict.landingsPerHour).toBeGreaterThan(times);
      if (red > 0) expect(batched.landingsPerHour / batchBound(options)).toBeGreaterThan(least);
    },
  );

  it.each([
    [8, 0.3, 1.1],
    [8, 0.5, 1.4],
    [2, 0.1, 0.5],
  ])(
    'on %d slots with %d red and each verified before lands %d times as many, and decides everybody',
    (slots, red, least) => {
      const options = { tasks: 200, red, slots, gateMs: GATE_MS };
      const strict = simulateLanding({ ...options, dice: diceOf(7) });
      const verified = simulateLanding({ ...options, verify: true, dice: diceOf(7) });
      expect([verified.landed, verified.returned]).toEqual([strict.landed, strict.returned]);
      expect(verified.landingsPerHour / strict.landingsPerHour).toBeGreaterThan(least);
      // Two runs a task are the most, and one more for each that is red.
      expect(verified.gateRuns).toBeLessThanOrEqual(2 * 200);
    },
  );

  it('is faster with more slots, whatever is red', () => {
    for (const red of [0, 0.02, 0.1, 0.3]) {
      const rates = [1, 2, 4].map((slots) => rateOf(red, slots).landingsPerHour);
      expect(rates).toEqual(rates.toSorted((a, b) => a - b));
    }
  });
});
