import { describe, expect, it } from '@jest/globals';
import { codeOf, messageOf } from '../../src/core/thrown.ts';

describe('what was thrown', () => {
  it('has its message, and its cause where it has one', () => {
    expect(messageOf(new Error('no answer'))).toBe('no answer');
    expect(messageOf(new Error('no answer', { cause: new Error('refused') }))).toBe('no answer (refused)');
    expect(messageOf(new Error('no answer', { cause: new Error('') }))).toBe('no answer');
    expect(messageOf(new Error('no answer', { cause: 7 }))).toBe('no answer');
    expect(messageOf(new Error('no answer', { cause: null }))).toBe('no answer');
  });

  it('is printed when it is no error at all', () => {
    expect(messageOf('plain')).toBe('plain');
    expect(messageOf(null)).toBe('null');
    expect(messageOf({ message: 7 })).toBe('[object Object]');
  });

  it('has a code when a system says so', () => {
    expect(codeOf(Object.assign(new Error('gone'), { code: 'ENOENT' }))).toBe('ENOENT');
    expect(codeOf(new Error('no code'))).toBeNull();
    expect(codeOf(undefined)).toBeNull();
  });
});
