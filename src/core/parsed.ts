/** What a parser returns: the value, or one line that names what is wrong and the fix. */
export type Parsed<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'invalid'; readonly message: string };

export function ok<T>(value: T): Parsed<T> {
  return { kind: 'ok', value };
}

export function fail<T = never>(message: string): Parsed<T> {
  return { kind: 'invalid', message };
}
