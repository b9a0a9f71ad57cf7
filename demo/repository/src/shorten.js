/** A text of at most `limit` characters. */
export function shorten(text, limit) {
  if (text.length <= limit) return text;
  return text.slice(0, limit);
}
