/** Which tests a piece of work removes: a candidate's tests are its own, so that removed ones are named, and not kept. Pure. */

import { oneLine } from './text.ts';

/** A file that differs between two commits: what it was, and what it is; all zeros where it is not there. */
export interface ChangedFile {
  readonly path: string;
  readonly was: string;
  readonly id: string;
}

/** More are counted. */
const MAX_NAMED = 20;
const MAX_NAME_CHARS = 200;

const ABSENT = /^0+$/;
const CODE = String.raw`(?:[cm]?[jt]sx?|py|go|rs|rb|java|kts?|cs|fs|vb|php|swift|scala|groovy|exs?|c|cc|cpp|m|mm|lua|pl|t|sh|bats|dart|zig|hs|mli?|cljs?|jl|r|feature)`;
const TESTS: readonly RegExp[] = [
  // a.test.ts, a_test.go, test_a.py, a-spec.rb, a.cy.js.
  new RegExp(String.raw`(?:^|\/)(?:[^\/]*[._-])?(?:tests?|specs?|e2e|cy)(?:[._-][^\/]*)?\.${CODE}$`, 'i'),
  // ATest.java, ASpec.scala, TestA.cs.
  new RegExp(String.raw`(?:^|\/)(?:\w*(?:Tests?|Specs?|[a-z0-9]IT)|Test[A-Z]\w*)\.${CODE}$`),
  new RegExp(String.raw`(?:^|\/)(?:__tests__|tests?|specs?|e2e)\/(?:.*\/)?[^\/]+\.${CODE}$`, 'is'),
];

/** Those that are gone, by name; what lies under another name as it was is only moved. At most 20, and how many more. */
export function removedTests(changed: readonly ChangedFile[]): readonly string[] {
  const there = new Set(changed.filter(({ was }) => ABSENT.test(was)).map(({ id }) => id));
  const gone = changed.filter(
    ({ path, was, id }) => ABSENT.test(id) && !there.has(was) && TESTS.some((test) => test.test(path)),
  );
  const named = gone.slice(0, MAX_NAMED).map(({ path }) => oneLine(path, MAX_NAME_CHARS));
  return gone.length > MAX_NAMED ? [...named, `and ${gone.length - MAX_NAMED} more`] : named;
}

/** A record with the names of the tests that are removed; as it was when there are none. */
export function naming<T extends object>(
  record: T,
  removed: readonly string[],
): T & { readonly removedTests?: readonly string[] } {
  return removed.length === 0 ? record : { ...record, removedTests: removed };
}
