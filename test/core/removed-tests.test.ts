import { describe, expect, it } from '@jest/globals';
import { naming, removedTests, type ChangedFile } from '../../src/core/removed-tests.ts';

const NONE = '0'.repeat(40);
const ONE = '1'.repeat(40);
const TWO = '2'.repeat(40);
const gone = (path: string, was = ONE): ChangedFile => ({ path, was, id: NONE });

describe('the tests that work removes', () => {
  it.each([
    'a.test.ts', 'src/a.spec.jsx', 'a_test.go', 'pkg/test_a.py', 'lib/a_spec.rb', 'src/ATest.java', 'ATests.cs', 'ASpec.scala', 'OrderIT.java',
    'TestOrder.cs', 'test/a.ts', 'tests/deep/er/a.rs', 'src/__tests__/a.js', 'spec/models/a.rb', 'cypress/e2e/a.cy.js', 'test.c', 't/a.test.t',
  ])('are such as %s', (path) => {
    expect(removedTests([gone(path)])).toEqual([path]);
  }); // prettier-ignore

  it.each([
    'src/contest.ts',
    'src/latest.py',
    'tests/data.json',
    'test/README.md',
    'src/attest.go',
    'Fastest.java',
    'a.ts',
  ])('are none such as %s', (path) => {
    expect(removedTests([gone(path)])).toEqual([]);
  });

  it('are not those that are changed, added, or moved as they were', () => {
    expect(
      removedTests([
        { path: 'changed.test.ts', was: ONE, id: TWO },
        { path: 'added.test.ts', was: NONE, id: TWO },
        gone('from.test.ts', '3'.repeat(40)),
        { path: 'to.test.ts', was: NONE, id: '3'.repeat(40) },
      ]),
    ).toEqual([]);
  });

  it('are those in whose place another one of the same name was made', () => {
    expect(removedTests([gone('a/x.test.ts'), { path: 'b/x.test.ts', was: NONE, id: TWO }])).toEqual(['a/x.test.ts']);
  });

  it('are named up to a number, as lines that print safely', () => {
    const many = Array.from({ length: 23 }, (_, index) => gone(`${index}.test.ts`));
    expect(removedTests(many)).toHaveLength(21);
    expect(removedTests(many).at(-1)).toBe('and 3 more');
    expect(removedTests([gone('a\nTask-Id: x\u202e.test.ts')])).toEqual(['a']);
  });

  it('stand in a record only when there are some', () => {
    expect(naming({ a: 1 }, [])).toEqual({ a: 1 });
    expect(naming({ a: 1 }, ['b'])).toEqual({ a: 1, removedTests: ['b'] });
  });
});
