import { describe, expect, it } from '@jest/globals';
import { matches, ruleFor, type MergeRule } from '../../src/core/merge-rules.ts';

describe('a pattern of paths', () => {
  it.each([
    ['CHANGELOG.md', 'CHANGELOG.md', true],
    ['CHANGELOG.md', 'docs/CHANGELOG.md', false],
    ['*.md', 'CHANGELOG.md', true],
    ['*.md', 'docs/CHANGELOG.md', false],
    ['**/CHANGELOG.md', 'CHANGELOG.md', true],
    ['**/CHANGELOG.md', 'a/b/CHANGELOG.md', true],
    ['**/CHANGELOG.md', 'a/b/OLD-CHANGELOG.md', false],
    ['docs/**', 'docs/a/b', true],
    ['docs/**', 'docs', true],
    ['docs/**/*.md', 'docs/a/b/c.md', true],
    ['docs/*/c.md', 'docs/a/b/c.md', false],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'aXbYb', false],
    ['a.c', 'abc', false],
    ['', '', true],
  ])('%j and %j: %s', (pattern, path, is) => {
    expect(matches(pattern, path)).toBe(is);
  });

  it('takes no time to speak of, whatever the path', () => {
    expect(matches('*a*a*a*a*a*a*b', 'a'.repeat(4_000))).toBe(false);
    expect(matches('**/a/**/a/**/a/**/b', 'a/'.repeat(2_000))).toBe(false);
  });
});

it('of several rules the first one that fits counts', () => {
  const rules: readonly MergeRule[] = [
    { paths: ['a', 'b'], by: 'union' },
    { paths: ['*'], by: 'union' },
  ];
  expect(ruleFor(rules, 'b')).toBe(rules[0]);
  expect(ruleFor(rules, 'c')).toBe(rules[1]);
  expect(ruleFor(rules, 'c/d')).toBeNull();
  expect(ruleFor([], 'a')).toBeNull();
});
