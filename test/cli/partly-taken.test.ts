import { expect, it } from '@jest/globals';
import { ordered } from '../../src/cli/bounded.ts';
import { partlyTaken } from '../../src/cli/partly-taken.ts';

const of = (taken: readonly number[], sent: readonly number[], lines = [1, 2, 4, 5, 6], noAnswer = false) =>
  partlyTaken({ lines, taken: new Set(taken), sent: new Set(sent), noAnswer });

it('says which lines were taken, which may have been, and which were not sent', () => {
  expect(of([0, 2], [0, 1, 2])).toBe(
    '2 of 5 tasks were taken, and are listed above; of line 2 it is not known: tasks list shows what is there; lines 5 to 6 were not sent; submit the rest again; a line with a requestId makes no second task',
  );
  expect(of([1], [0, 1, 2, 3])).toContain('of lines 1, 4 to 5 it is not known');
  expect(of([1], [0, 1, 2, 3])).toContain('line 6 was not sent');
});

it('leaves out what there is nothing of', () => {
  expect(of([0, 1, 2, 3], [0, 1, 2, 3, 4])).not.toContain('sent');
  expect(of([0], [0])).not.toContain('not known');
});

it('says of one task alone that it may be there, where nobody answered', () => {
  expect(of([], [0], [1], true)).toMatch(/not known: tasks list .*--request-id/);
});

it('says nothing of one that was refused, and where nothing was sent', () => {
  expect(of([], [0], [1])).toBeNull();
  expect(of([], [], [1], true)).toBeNull();
  expect(of([], [])).toBeNull();
});

it('shows in their order those that were taken, also behind one that was not', () => {
  const shown: string[] = [];
  const inOrder = ordered<string>((text) => shown.push(text));
  inOrder.pass(1, 'b');
  inOrder.pass(0, 'a');
  inOrder.pass(4, 'e');
  inOrder.pass(3, 'd');
  expect(shown.join('')).toBe('ab');
  inOrder.passRest();
  expect(shown.join('')).toBe('abde');
});
