import { expect, it } from '@jest/globals';
import { explainError } from '../../src/cli/errors.ts';
import { HomeError } from '../../src/local/home.ts';

it('a state home that cannot be used is wrong usage, and one that is full is a failure', () => {
  expect(explainError(new HomeError('unusable', 'TASKS_HOME: is no folder'))).toEqual({
    code: 2,
    line: 'tasks: TASKS_HOME: is no folder',
  });
  expect(explainError(new HomeError('full', 'no space left'))).toEqual({ code: 1, line: 'tasks: no space left' });
});
