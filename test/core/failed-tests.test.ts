import { describe, expect, it } from '@jest/globals';
import { failedTests } from '../../src/core/failed-tests.ts';

describe('the tests that a log says have failed', () => {
  it.each([
    ['Jest', '  ● a queue › lands in order\n\n    expect(…)', ['a queue › lands in order']],
    ['Vitest', ' FAIL  test/a.test.ts > adds', ['test/a.test.ts > adds']],
    ['Node', '✖ adds (1.2ms)', ['adds']],
    ['TAP', 'ok 1 - a\nnot ok 2 - b # time=3ms', ['b']],
    ['pytest', 'FAILED test_a.py::test_b - AssertionError: no', ['test_a.py::test_b']],
    ['Go', '--- FAIL: TestB (0.00s)', ['TestB']],
    ['cargo', 'test a::b ... FAILED\ntest a::c ... ok', ['a::b']],
    ['nothing that is known', 'make: *** [all] Error 1', []],
  ])('are found in what %s prints', (_program, log, tests) => {
    expect(failedTests(log)).toEqual(tests);
  });

  it('are each named once, and not without end', () => {
    const log = Array.from({ length: 100 }, (_, at) => `not ok ${at} - test ${at % 50}`).join('\n');
    expect(failedTests(log)).toHaveLength(20);
    expect(failedTests('not ok 1 - a\nnot ok 2 - a')).toEqual(['a']);
  });
});
