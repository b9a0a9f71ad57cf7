/** The words of a text, in their order. */
export function words(text) {
  return text.split(/\s+/).filter((word) => word !== '');
}
