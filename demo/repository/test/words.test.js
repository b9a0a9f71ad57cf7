import assert from 'node:assert/strict';
import test from 'node:test';
import { words } from '../src/words.js';

test('finds the words of a text', () => {
  assert.deepEqual(words(' one  two\nthree '), ['one', 'two', 'three']);
});

test('finds none in an empty text', () => {
  assert.deepEqual(words(''), []);
});
