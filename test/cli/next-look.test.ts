import { describe, expect, it } from '@jest/globals';
import { nextLook, restAfter } from '../../src/cli/next-look.ts';

describe('the next look', () => {
  it('comes so long after a look that took long that looking takes a sixth of the time', () => {
    expect(restAfter(1)).toBe(1_000);
    expect(restAfter(200)).toBe(1_000);
    expect(restAfter(3_000)).toBe(15_000);
    expect(restAfter(1, 500)).toBe(500);
  });

  it('is not waited for once nobody looks any more', async () => {
    const looking = new AbortController();
    // Half a day, unless it is given up.
    const next = nextLook(5e7, looking.signal);
    looking.abort();
    expect(await next).toBeUndefined();
  });
});
