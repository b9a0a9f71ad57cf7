import { describe, expect, it } from '@jest/globals';
import { MAX_DURATION_MS, parseDuration } from '../../src/core/duration.ts';

describe('parseDuration', () => {
  it.each([
    ['1s', 1_000],
    ['90s', 90_000],
    ['45m', 2_700_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['20d', MAX_DURATION_MS],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toEqual({ kind: 'ok', value: ms });
  });

  it.each(['', '5', 'm', '5 m', '-5m', '1.5h', '5w', '5M', '1234567s', '5m\n'])('refuses %j with examples', (text) => {
    expect(parseDuration(text)).toEqual({ kind: 'invalid', message: expect.stringContaining('90s, 45m, 1h30m or 2d') });
  });

  it.each(['0s', '0m0s', '21d', '999999d'])('refuses %s as out of range', (text) => {
    expect(parseDuration(text)).toEqual({ kind: 'invalid', message: expect.stringContaining('from 1s to 20d') });
  });

  it.each([
    ['1h30m', 5_400_000],
    ['30d', 30 * 86_400_000],
    ['366d', 366 * 86_400_000],
  ])('reads %s where more is allowed', (text, ms) => {
    expect(parseDuration(text, 1_000, 366 * 86_400_000)).toEqual({ kind: 'ok', value: ms });
  });

  it('says what is the most', () => {
    const message = '"367d" is out of range; give something from 1s to 366d';
    expect(parseDuration('367d', 1_000, 366 * 86_400_000)).toEqual({ kind: 'invalid', message });
  });
});
