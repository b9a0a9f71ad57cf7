/** What Temporal's messages hold, as text in which words can be looked for. */

/**
 * All strings and bytes of a message, one a line. Its own JSON has bytes in Base64, in which no word is found.
 *
 * @param value a history, a description, or whatever else came from Temporal
 */
export function textOfMessage(value: unknown): string {
  const found: string[] = [];
  const seen = new Set<object>();
  const walk = (each: unknown): void => {
    if (typeof each === 'string') found.push(each);
    else if (each instanceof Uint8Array) found.push(Buffer.from(each).toString('latin1'));
    else if (typeof each === 'object' && each !== null && !seen.has(each)) {
      seen.add(each);
      for (const [name, inner] of Object.entries(each)) {
        found.push(name);
        walk(inner);
      }
    }
  };
  walk(value);
  return found.join('\n');
}
