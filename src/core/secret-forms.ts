/** The forms that a secret is looked for in. Pure. Texts are bytes, read as Latin-1. */

/** A part of a secret in Base64 that is shorter than this says nothing. */
const MIN_FORM_CHARS = 8;

/**
 * A secret as it is, as URLs, JSON, XML and shells have it, in Base64 wherever it begins there, in hexadecimal, and backwards.
 */
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
    ...urlForms(value),
    ...jsonForms(value),
    ...quotedForms(value),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    Array.from(value).toReversed().join(''),
  ];
  return [...new Set([plain, ...encoded, ...others.map((text) => Buffer.from(text, 'utf8').toString('latin1'))])];
}

/** Each program has its own mind of what a URL must not have, and of how its digits are written. */
function urlForms(value: string): readonly string[] {
  const whole = escaped(value);
  // Python, PHP and Java escape these as well; in paths a slash is mostly left, and in forms a blank is a plus.
  const strict = whole.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [whole, strict].flatMap((form) => [form, form.replaceAll('%2F', '/'), form.replaceAll('%20', '+')]);
  return forms.flatMap((form) => [form, form.replaceAll(/%[0-9A-F]{2}/g, (part) => part.toLowerCase())]);
}

function escaped(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    // Half a character: no URL has it.
    return value;
  }
}

/** Some escape slashes, some what a web page could take for its own, and some all that is not ASCII. */
function jsonForms(value: string): readonly string[] {
  const json = JSON.stringify(value).slice(1, -1);
  return [json, json.replaceAll('/', '\\/'), json.replaceAll(/[<>&]/g, asJson), json.replaceAll(/[^\0-\x7f]/g, asJson)];
}

function asJson(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** In XML, and between the quotes of a shell. */
function quotedForms(value: string): readonly string[] {
  const xml = value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
  return [xml, ...['&#39;', '&apos;'].map((quote) => xml.replaceAll("'", quote)), value.replaceAll("'", "'\\''")];
}
