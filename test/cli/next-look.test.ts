import { describe, expect, it } from '@jest/globals';
import { nextLook } from '../../src/cli/next-look.ts';

const spent = async (tookMs: number, signal: AbortSignal, everyMs: number): Promise<number> => {
  const begunMs = performance.now();
  await nextLook(tookMs, signal, everyMs);
  return performance.now() - begunMs;
};

describe('the next look', () => {
  it('comes so long after a look that took long that looking takes a sixth of the time', async () => {
    const { signal } = new AbortController();
    // A timer may be a millisecond early.
    expect(await spent(40, signal, 1)).toBeGreaterThanOrEqual(198);
    expect(await spent(1, signal, 60)).toBeGreaterThanOrEqual(59);
  });

  it('is not waited for once nobody looks any more', async () => {
    expect(await spent(60_000, AbortSignal.abort(), 60_000)).toBeLessThan(30_000);
  });
});
