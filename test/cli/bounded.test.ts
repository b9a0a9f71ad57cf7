import { describe, expect, it } from '@jest/globals';
import { mapBounded } from '../../src/cli/bounded.ts';
import { eventually } from '../support/eventually.ts';

describe('many things, a few at a time', () => {
  it('are no more at once than they may be, and come to results in their order', async () => {
    const open = new Map<string, () => void>();
    let most = 0;
    const all = mapBounded(['a', 'b', 'c', 'd', 'e'], 2, async (item) => {
      await new Promise<void>((resolve) => {
        open.set(item, resolve);
        most = Math.max(most, open.size);
      });
      return item;
    });
    // The first is the last to end.
    for (const item of ['b', 'c', 'd', 'e', 'a']) {
      await eventually(`${item} to be begun`, () => open.has(item));
      open.get(item)?.();
      open.delete(item);
    }
    expect(await all).toEqual(['a', 'b', 'c', 'd', 'e']);
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
