import { describe, expect, it } from '@jest/globals';
import { codeOf, messageOf, saidBy } from '../../src/core/thrown.ts';

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

  it('has what a program that failed said first, where it said something', () => {
    const error = new Error('Command failed with exit code 1: git clone https://ada:k3y@example.org/x');
    expect(saidBy(Object.assign(error, { stderr: 'fatal: not found\nfatal: gone\n' }))).toBe('fatal: not found');
    expect(saidBy(Object.assign(error, { stderr: ' \n' }))).toBeNull();
    expect(saidBy(new Error('no program'))).toBeNull();
  });

  it('has a code when a system says so', () => {
    expect(codeOf(Object.assign(new Error('gone'), { code: 'ENOENT' }))).toBe('ENOENT');
    expect(codeOf(new Error('no code'))).toBeNull();
    expect(codeOf(undefined)).toBeNull();
  });
});
