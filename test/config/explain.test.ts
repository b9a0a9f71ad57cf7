/** What is suggested for a word that is not known. */

import { describe, expect, it } from '@jest/globals';
import { didYouMean } from '../../src/config/explain.ts';

const KNOWN = ['gate', 'attempts', 'agent', 'to', 'requestId'];

describe('what was meant', () => {
  it.each([
    ['gaet', 'gate'],
    ['gates', 'gate'],
    ['GATE', 'gate'],
    ['attempst', 'attempts'],
    ['request-id', 'requestId'],
    ['ot', 'to'],
  ])('by %s is %s', (word, meant) => {
    expect(didYouMean(word, KNOWN)).toBe(`; did you mean ${meant}?`);
  });

  it.each(['zebra', 'when', '', 'x', 'attendance', '__proto__'])('by %j is nothing that is known', (word) => {
    expect(didYouMean(word, KNOWN)).toBe('');
  });

  it('is nothing where nothing is known', () => {
    expect(didYouMean('gate', [])).toBe('');
  });
});
