/** Turns what the schema found wrong into one line: the file, the key, what is wrong and the fix. */

import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';

type Issue = z.core.$ZodIssue;
type ErrorMap = z.core.$ZodErrorMap;

/** The error of one value: what it must be, and a line that would be right. */
export function must(be: string, example: string): ErrorMap {
  return (issue) =>
    issue.input === undefined
      ? `is missing; add ${be}, such as ${example}`
      : `must be ${be}, not ${show(issue.input)}; write for example ${example}`;
}

/** As {@link must}, for what may be or hold a secret: what somebody wrote there is not repeated (N10). */
export function mustQuietly(be: string, example: string): ErrorMap {
  return (issue) =>
    issue.input === undefined
      ? `is missing; add ${be}, such as ${example}`
      : `must be ${be}; write for example ${example}`;
}

/** An object that takes these keys and no others; the nearest right one is named. */
export function closed<Shape extends z.core.$ZodShape>(
  shape: Shape,
  be: string,
  example: string,
  otherwise: ErrorMap = must(be, example),
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys') return otherwise(issue);
      const keys = 'keys' in issue && Array.isArray(issue.keys) ? issue.keys.map(String) : [];
      const wrong = keys.slice(0, 3).map(quote).join(', ');
      return `${wrong} is no key here${didYouMean(keys[0] ?? '', known)} (the keys are ${known.join(', ')})`;
    },
  });
}

/** Checks a value against a schema. A key that is not known is told first: it may be why another one is missing. */
export function check<T>(file: string, schema: z.ZodType<T>, value: unknown): Parsed<T> {
  const result = schema.safeParse(value);
  if (result.success) return ok(result.data);
  const { issues } = result.error;
  const first = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (first === undefined) return fail(`${file}: is not valid`);
  const { path, message } = deepest(first, []);
  const where = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
  return fail(`${file}: ${where}${message}`);
}

/** Of a value that may be of several shapes, tells the fault of the shape that was meant. */
function deepest(issue: Issue, above: readonly PropertyKey[]): { path: readonly PropertyKey[]; message: string } {
  const path = [...above, ...issue.path];
  if (issue.code === 'invalid_union') {
    // A shape of the wrong type at the top was not meant; among the others the one that got furthest was.
    const meant = issue.errors
      .filter((issues) => issues.every((each) => each.path.length > 0 || each.code !== 'invalid_type'))
      .sort((a, b) => a.length - b.length)
      .at(0)
      ?.at(0);
    if (meant !== undefined) return deepest(meant, path);
  }
  return { path, message: issue.message };
}

/** Asks for the known word that is the fewest edits away, as the end of a sentence; empty when none is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === null ? '' : `; did you mean ${near}?`;
}

/** At most a third of the letters of the longer of both may differ, and one always. */
function nearest(word: string, known: readonly string[]): string | null {
  const near = known
    .map((each) => ({ each, edits: edits(word.toLowerCase(), each.toLowerCase()) }))
    .filter((found) => found.edits <= Math.max(1, Math.floor(Math.max(word.length, found.each.length) / 3)))
    .toSorted((one, other) => one.edits - other.edits);
  return near[0]?.each ?? null;
}

/** Two neighbours that have changed places are one. */
function edits(word: string, other: string): number {
  const isSwapped = Array.from(word).some(
    (_, at) =>
      `${word.slice(0, at)}${word.slice(at + 1, at + 2)}${word.slice(at, at + 1)}${word.slice(at + 2)}` === other,
  );
  return isSwapped ? Math.min(1, distance(word, other)) : distance(word, other);
}

function show(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'something else';
}
