import { describe, expect, it } from '@jest/globals';
import { newsOf } from '../../src/cli/progress.ts';

describe('progress where lines stay', () => {
  it('prints what is new at once, and new figures alone every so often', () => {
    let nowMs = 0;
    const isNews = newsOf(15_000, () => nowMs);
    const at = (ms: number, text: string): boolean => {
      nowMs = ms;
      return isNews(text);
    };
    expect(at(0, 'downloading (0.5 of 60.1 MiB, 1 %)')).toBe(true);
    expect(at(250, 'downloading (7 of 60.1 MiB, 12 %)')).toBe(false);
    expect(at(14_999, 'downloading (50 of 60.1 MiB, 83 %)')).toBe(false);
    expect(at(15_000, 'downloading (51 of 60.1 MiB, 84 %)')).toBe(true);
    expect(at(15_001, 'building (0 s so far)')).toBe(true);
    expect(at(15_002, 'building (1 s so far)')).toBe(false);
  });
});
