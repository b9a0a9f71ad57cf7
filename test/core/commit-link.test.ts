import { describe, expect, it } from '@jest/globals';
import { commitLink } from '../../src/core/commit-link.ts';
import { objectId } from './rig.ts';

const COMMIT = objectId(7);

describe('the link to a commit', () => {
  it.each([
    ['https://github.com/ada/shop.git', `https://github.com/ada/shop/commit/${COMMIT}`],
    ['https://token@github.com/ada/shop', `https://github.com/ada/shop/commit/${COMMIT}`],
    ['git@github.com:ada/shop.git', `https://github.com/ada/shop/commit/${COMMIT}`],
    [
      'ssh://git@gitlab.example.org:2222/team/sub/shop.git',
      `https://gitlab.example.org/team/sub/shop/-/commit/${COMMIT}`,
    ],
  ])('of %s is %s, without what somebody signs in with', (origin, link) => {
    expect(commitLink(origin, COMMIT)).toBe(link);
  });

  it.each([
    '/srv/shop.git',
    'https://example.org/shop.git',
    'file:///srv/github.com/ada/shop',
    '',
    'git@github.com:shop',
  ])('is none for %j', (origin) => {
    expect(commitLink(origin, COMMIT)).toBeNull();
  });
});
