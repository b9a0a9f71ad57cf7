import { describe, expect, it } from '@jest/globals';
import { mapBounded } from '../../src/cli/bounded.ts';

describe('many things, a few at a time', () => {
  it('are no more at once than they may be, and come to results in their order', async () => {
    let atOnce = 0;
    let most = 0;
    const results = await mapBounded([30, 1, 20, 2, 10], 2, async (ms) => {
      most = Math.max(most, (atOnce += 1));
      await new Promise((resolve) => {
        setTimeout(resolve, ms);
      });
      atOnce -= 1;
      return ms;
    });
    expect(results).toEqual([30, 1, 20, 2, 10]);
    expect(most).toBe(2);
  });

  it('end with the first that fails: no other is begun, and those under way are done by then', async () => {
    const begun: number[] = [];
    const done: number[] = [];
    const slow = new Promise((resolve) => {
      setImmediate(resolve);
    });
    const all = mapBounded([0, 1, 2, 3], 2, async (item) => {
      begun.push(item);
      if (item === 0) throw new Error('no');
      await slow;
      done.push(item);
    });
    await expect(all).rejects.toThrow('no');
    expect(begun).toEqual([0, 1]);
    expect(done).toEqual([1]);
  });
});
