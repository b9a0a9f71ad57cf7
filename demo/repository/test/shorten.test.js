import assert from 'node:assert/strict';
import test from 'node:test';
import { shorten } from '../src/shorten.js';

test('leaves a short text alone', () => {
  assert.equal(shorten('one two', 7), 'one two');
});

test('is never longer than the limit', () => {
  assert.ok(shorten('one two three', 9).length <= 9);
});
