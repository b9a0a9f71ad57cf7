/** The forms that a secret is looked for in. Pure. Texts are bytes, read as Latin-1. */

/** A part of a secret in Base64 that is shorter than this says nothing. */
const MIN_FORM_CHARS = 8;

/** A secret as it is, as URLs and JSON have it, in Base64 wherever it begins there, in hexadecimal, and backwards. */
export function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const plain = bytes.toString('latin1');
  const encoded = [0, 1, 2].flatMap((offset) => {
    const first = Math.ceil((offset * 8) / 6);
    const from = (tail: string): string =>
      Buffer.concat([Buffer.alloc(offset), bytes, Buffer.from(tail)])
        .toString('base64')
        .slice(first);
    // The first and the last characters depend on what stands around it, the last ones mostly on nothing or a newline.
    const inner = from('').slice(0, Math.floor(((offset + bytes.length) * 8) / 6) - first);
    const ended = [from(''), from('\n')].flatMap((text) => [text, text.replace(/=+$/, '')]);
    if (inner.length < MIN_FORM_CHARS) return [];
    return [inner, ...ended].flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]);
  });
  const others = [
    urlForm(value),
    JSON.stringify(value).slice(1, -1),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    Array.from(value).toReversed().join(''),
  ];
  return [...new Set([plain, ...encoded, ...others.map((text) => Buffer.from(text, 'utf8').toString('latin1'))])];
}

function urlForm(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    // Half a character: no URL has it.
    return value;
  }
}
