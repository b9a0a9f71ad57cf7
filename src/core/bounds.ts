/** Keeping what travels in a workflow's payloads small. */

/** The newest items whose JSON is at most so many characters in all; the last one is kept whatever its size. */
export function newestWithin<T>(items: readonly T[], maxItems: number, maxChars: number): readonly T[] {
  let chars = 0;
  let first = items.length;
  while (first > 0 && items.length - first < maxItems) {
    chars += JSON.stringify(items[first - 1]).length;
    if (chars > maxChars && first < items.length) break;
    first -= 1;
  }
  return first === 0 ? items : items.slice(first);
}
