import { describe, expect, it } from '@jest/globals';
import { passwordFix, shownOrigin, withoutPassword } from '../../src/core/origin-url.ts';

describe('an origin with a password', () => {
  it.each([
    ['https://ada:guess@new.test/shop.git', 'https://ada@new.test/shop.git'],
    ['https://ada:gu@ess@new.test/shop@2', 'https://ada@new.test/shop@2'],
    ['https://:guess@new.test/shop', 'https://new.test/shop'],
    ['https://ghp_0123456789@new.test/shop', 'https://new.test/shop'],
    ['ssh://git:guess@new.test/shop', 'ssh://git@new.test/shop'],
  ])('%s is told without it: %s', (origin, without) => {
    expect(withoutPassword(origin)).toBe(without);
    expect(passwordFix(origin, 'origin')).toMatch(`git remote set-url origin ${without}, and let a credential helper`);
    expect(shownOrigin(origin)).not.toMatch(/guess|ess@|ghp_|git@/);
  });
});

describe('an origin without a password', () => {
  it.each([
    'https://new.test/shop',
    'https://ada@new.test/shop@2:3',
    'ssh://git@new.test/shop',
    'git@new.test:shop',
    '/srv/a:b@c',
  ])('%s is left as it is', (origin) => {
    expect(withoutPassword(origin)).toBe(origin);
    expect(passwordFix(origin, 'origin')).toBeNull();
  });

  it('is cut where it is long', () => {
    expect(shownOrigin('https://new.test/shop', 12)).toBe('https://new…');
  });
});
