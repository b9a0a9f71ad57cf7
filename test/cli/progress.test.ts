import { describe, expect, it } from '@jest/globals';
import { newsOf } from '../../src/cli/progress.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment } from './rig.ts';
import { atTerminal } from './terminal.ts';

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

describe('progress on a terminal', () => {
  it.each([
    ['xterm', true],
    ['dumb', false],
  ])('that calls itself %s is drawn anew in its place: %s', async (TERM, is) => {
    const cwd = await tempFolder('plain');
    const { code, asked } = await atTerminal({ cwd, env: { ...cliEnvironment(cwd), TERM } }, ['down'], []);
    expect(code).toBe(0);
    expect(asked.includes('\u001b')).toBe(is);
  });
});
