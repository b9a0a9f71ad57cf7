import { describe, expect, it } from '@jest/globals';
import { buildName, parseBuildId, ServerTime, stillPolls, takesOver, UNVERSIONED } from '../../src/core/builds.ts';
import { messageOf, valueOf } from './rig.ts';

describe('a worker’s build', () => {
  it.each([
    ['does not take over from itself', 'b', 'b', ['b'], false],
    ['does not take over while the current one is run', 'b', 'a', ['a', 'b'], false],
    ['takes over when nobody runs the current one', 'b', 'a', ['b'], true],
    ['takes over from nobody at all', 'b', UNVERSIONED, ['b'], true],
    ['does not take over from workers without versioning that poll', 'b', UNVERSIONED, ['', 'b'], false],
    ['gives up its place when versioning is switched off everywhere', UNVERSIONED, 'a', [''], true],
    ['keeps its place while some still have it', UNVERSIONED, 'a', ['', 'a'], false],
  ])('%s', (_name, own, current, polling, expected) => {
    expect(takesOver({ own, current, polling })).toBe(expected);
  });

  it('has a name that people see', () => {
    expect([buildName('0.3.0-1a2b'), buildName(UNVERSIONED)]).toEqual(['0.3.0-1a2b', 'workers without versioning']);
  });

  it('is called by a short id', () => {
    expect(valueOf(parseBuildId('0.3.0-1a2b3c4d+x'))).toBe('0.3.0-1a2b3c4d+x');
    for (const text of ['', 'a b', '-a', 'x'.repeat(101)])
      expect(messageOf(parseBuildId(text))).toMatch(/is no build id/);
  });
});

describe('the server’s time', () => {
  it('is the latest that it has told of, and what has gone by since', () => {
    const time = new ServerTime();
    expect(time.atLeast(1_000_000, 50)).toBe(1_000_000);
    expect(time.atLeast(1_000_000, 60_050)).toBe(1_060_000);
    // Told of late: what was known is more.
    expect(time.atLeast(1_001_000, 60_050)).toBe(1_060_000);
    expect(time.atLeast(1_070_000, 60_050)).toBe(1_070_000);
  });

  it('says who polls no more: only whom the server has not seen for longer than a poll takes', () => {
    expect(stillPolls(1_000_000, 1_069_999)).toBe(true);
    expect(stillPolls(1_000_000, 1_070_000)).toBe(false);
  });
});
