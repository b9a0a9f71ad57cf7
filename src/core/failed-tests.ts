/** Which tests a log says have failed, by what the common test programs print. */

import { oneLine } from './text.ts';

const MAX_TESTS = 20;
const MAX_NAME_CHARS = 200;

const PATTERNS: readonly RegExp[] = [
  // Jest and Vitest, Mocha's and Node's own reporters, TAP, pytest, Go, cargo, JUnit by Maven.
  /^\s*● (.+ › .+)$/,
  /^\s*(?:FAIL|×|✕|✖) {1,2}(\S.*?)(?: \(?\d+(?:\.\d+)? ?m?s\)?)?$/,
  /^\s*not ok \d+ - (.+?)(?: # .*)?$/,
  /^FAILED (\S+::.+?)(?: - .*)?$/,
  /^\s*--- FAIL: (\S+)/,
  /^test (\S+) \.\.\. FAILED$/,
  /^\[ERROR\]\s+(\S+\.\S+):\d+/,
];

/** Each once, in the order of the log, at most {@link MAX_TESTS}. */
export function failedTests(log: string): readonly string[] {
  const found = new Set<string>();
  for (const line of log.split('\n')) {
    const name = PATTERNS.map((pattern) => pattern.exec(line)?.[1]).find((match) => match !== undefined);
    if (name !== undefined) found.add(oneLine(name, MAX_NAME_CHARS));
    if (found.size >= MAX_TESTS) break;
  }
  return [...found];
}
