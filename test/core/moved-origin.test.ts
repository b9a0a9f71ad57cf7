import { describe, expect, it } from '@jest/globals';
import { isSameOrigin, otherOriginFix, otherOriginText } from '../../src/core/moved-origin.ts';

const MOVED = {
  project: 'shop',
  bound: 'https://ada:secret@old.test/shop.git',
  here: 'git@new.test:shop.git',
  remote: 'origin',
};

describe('two origins', () => {
  it.each([
    ['/srv/a b', 'file:///srv/a%20b'],
    ['/srv/shop', 'file://localhost/srv/shop/'],
    ['/srv/shop/.git', '/srv/shop'],
    ['https://new.test/shop', 'https://new.test/shop'],
    ['https://ada@new.test/shop', 'https://bob:guess@new.test/shop'],
    ['http://new.test/shop', 'http://ada@new.test/shop'],
  ])('%s and %s are one', (one, other) => {
    expect([isSameOrigin(one, other), isSameOrigin(other, one)]).toEqual([true, true]);
  });

  it.each([
    ['/srv/shop', '/srv/shop.git'],
    ['/srv/shop', 'file://other/srv/shop'],
    ['/srv/%E0', 'file:///srv/%E0'],
    ['https://new.test/shop', 'https://new.test/shop/'],
    ['git@new.test:shop', '/shop'],
    ['ssh://ada@new.test/~/shop', 'ssh://bob@new.test/~/shop'],
    ['https://new.test/shop', '/shop'],
  ])('%s and %s are two', (one, other) => {
    expect([isSameOrigin(one, other), isSameOrigin(other, one)]).toEqual([false, false]);
  });
});

describe('a project whose name is bound to another origin', () => {
  it('is told with both origins, and without passwords', () => {
    expect(otherOriginText(MOVED)).toBe(
      'shop is the name of https://old.test/shop.git, and the origin here is git@new.test:shop.git',
    );
  });

  it('is told what to do when it has moved, and when it is another one', () => {
    expect(otherOriginFix(MOVED)).toBe(
      'if it has moved: git config --global url.git@new.test:shop.git.insteadOf https://old.test/shop.git (here and where workers run, and restart these), then here: git remote set-url origin https://old.test/shop.git; if it is another one, choose another project name in tasks.yaml',
    );
  });

  it('has its paths quoted as a shell needs it', () => {
    expect(otherOriginFix({ ...MOVED, bound: "/srv/Ada's shop" })).toContain(`set-url origin '/srv/Ada'\\''s shop'`);
  });

  it('has no remote to set where the checkout is the origin itself', () => {
    expect(otherOriginFix({ ...MOVED, remote: null })).toBe(
      'if it has moved, move it back; if it is another one, choose another project name in tasks.yaml',
    );
  });
});
