import { describe, expect, it } from '@jest/globals';
import { buildName, parseBuildId, takesOver, UNVERSIONED } from '../../src/core/builds.ts';
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
