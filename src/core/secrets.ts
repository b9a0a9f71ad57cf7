/**
 * Secrets in what processes print and commit (N10): taken out of streams, also where a chunk ends in the middle of one, and
 * found in contents before they are pushed. Pure. Texts are bytes, read as Latin-1, so that nothing depends on an encoding.
 */

import { isRecord } from './text.ts';

export interface Secret {
  /** What people see in its place. */
  readonly name: string;
  readonly value: string;
}

/** Shorter ones would be found in anything. */
const MIN_SECRET_BYTES = 6;
/** A part of a secret in Base64 that is shorter than this says nothing. */
const MIN_FORM_CHARS = 8;

/** A text that is longer is often printed in lines: Base64 after 64 or 76 characters. */
const WRAPPED_CHARS = 40;
const BREAK = /\r?\n[ \t]{0,20}|\r$/g;

interface Needle {
  readonly name: string;
  readonly text: string;
  /** The same in lines; null: it is short. */
  readonly wrapped: RegExp | null;
}

function needleOf(name: string, text: string): Needle {
  if (text.length <= WRAPPED_CHARS) return { name, text, wrapped: null };
  const chars = Array.from(text, (char) => char.replace(/[\\^$.*+?()[\]{}|/-]/, String.raw`\$&`));
  return { name, text, wrapped: new RegExp(chars.join(String.raw`(?:\r?\n[ \t]{0,20})?`), 'g') };
}

/** A secret as it is, as URLs and JSON have it, in Base64 wherever it begins there, in hexadecimal, and backwards. */
function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const plain = bytes.toString('latin1');
  const encoded = [0, 1, 2].flatMap((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    // The first and the last characters depend on what stands around it.
    const inner = text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6));
    return inner.length < MIN_FORM_CHARS ? [] : [inner, inner.replaceAll('+', '-').replaceAll('/', '_')];
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

function needlesOf(secrets: readonly Secret[]): readonly Needle[] {
  return secrets
    .flatMap(({ name, value }) =>
      // A file that a secret is read from mostly ends with a newline, and a key has several lines.
      [value, ...value.split('\n')]
        .map((part) => part.trim())
        .filter((part) => Buffer.byteLength(part) >= MIN_SECRET_BYTES)
        .flatMap((part) => formsOf(part).map((text) => needleOf(name, text))),
    )
    .toSorted((one, other) => other.text.length - one.text.length);
}

/**
 * What nobody sees of a text, as bytes of UTF-8: control characters, marks of direction, a terminal's sequences. Whoever keeps
 * or shows the text takes them out, and the halves of a secret that stood around one would be whole again.
 */
const UNSEEN =
  /\u001b(?:\[[0-?]{0,64}[ -/]{0,16}[@-~]|\][^\u0007\u001b]{0,4096}(?:\u0007|\u001b\\))|[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\u00c2[\u0080-\u009f]|\u00d8\u009c|\u00e2\u0080[\u008e\u008f\u00aa-\u00ae]|\u00e2\u0081[\u00a6-\u00a9]|\u00ef\u00bb\u00bf/g;
/** What could be the beginning of one, at the end of a chunk. */
const MAYBE_UNSEEN =
  /(?:\u001b(?:\[[0-?]{0,64}[ -/]{0,16}|\][^\u0007\u001b]{0,4096}\u001b?)?|\u00c2|\u00d8|\u00e2[\u0080\u0081]?|\u00ef\u00bb?)$/;
const LONGEST_UNSEEN = 4_200;

function visible(text: string): string {
  return text.replace(UNSEEN, '');
}

export interface Redactor {
  /** What may be shown of all that has come so far. */
  push(chunk: Buffer): Buffer;
  /** The rest. */
  end(): Buffer;
}

/**
 * For one stream. What may be the beginning of a secret is held back until the next chunk tells. Where there are secrets, what
 * nobody sees is left out.
 */
export function createRedactor(secrets: readonly Secret[]): Redactor {
  const needles = needlesOf(secrets)
    .map(({ name, text }) => needleOf(name, visible(text)))
    .filter(({ text }) => text.length >= MIN_SECRET_BYTES);
  const lengths = needles.map(({ text, wrapped }) => (wrapped === null ? text.length : 2 * text.length));
  const longest = Math.max(0, ...lengths);
  const firsts = new Set(needles.map(({ text }) => text[0]));
  let held = '';
  let maybeUnseen = '';
  const replace = (text: string): string =>
    needles.reduce((shown, needle) => shown.replaceAll(needle.wrapped ?? needle.text, () => markOf(needle.name)), text);
  const mayBegin = (rest: string): boolean => {
    if (!firsts.has(rest[0])) return false;
    const inOne = rest.replace(BREAK, '');
    return needles.some(({ text, wrapped }) => text.startsWith(wrapped === null ? rest : inOne));
  };
  return {
    push(chunk) {
      if (needles.length === 0) return chunk;
      const come = maybeUnseen + chunk.toString('latin1');
      [maybeUnseen = ''] = MAYBE_UNSEEN.exec(come.slice(-LONGEST_UNSEEN)) ?? [];
      const text = replace(held + visible(come.slice(0, come.length - maybeUnseen.length)));
      let from = Math.max(0, text.length - longest + 1);
      while (from < text.length && !mayBegin(text.slice(from))) from += 1;
      held = text.slice(from);
      return Buffer.from(text.slice(0, from), 'latin1');
    },
    end() {
      const rest = Buffer.from(replace(held + visible(maybeUnseen)), 'latin1');
      held = '';
      maybeUnseen = '';
      return rest;
    },
  };
}

function markOf(name: string): string {
  return `[secret ${name}]`;
}

/** A whole text without secrets. */
export function redactText(secrets: readonly Secret[], text: string): string {
  return secrets.length === 0 ? text : redactBy(createRedactor(secrets), text);
}

function redactBy(redactor: Redactor, text: string): string {
  const shown = redactor.push(Buffer.from(text, 'utf8'));
  return Buffer.concat([shown, redactor.end()]).toString('utf8');
}

/**
 * A value with no secret in any text of it.
 *
 * @param except fields, wherever they are, that nobody but the engine writes: what looks like a secret there is none
 */
export function redactWithin<T>(secrets: readonly Secret[], value: T, except: ReadonlySet<string>): T {
  if (secrets.length === 0) return value;
  const redactor = createRedactor(secrets);
  const walk = (part: unknown): unknown => {
    if (typeof part === 'string') return redactBy(redactor, part);
    if (Array.isArray(part)) return part.map(walk);
    if (!isRecord(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([key, each]) => [key, except.has(key) ? each : walk(each)]));
  };
  return walk(value) as T;
}

export type Found =
  | { readonly kind: 'granted'; readonly name: string }
  /** `text` is what was found: it is compared with what the project has already, and never shown. */
  | { readonly kind: 'format'; readonly name: string; readonly text: string };

/** Formats that are keys and nothing else; the ones that documentation uses as examples say so. */
const FORMATS: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['a private key', /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----[\s\\nr]+[A-Za-z0-9+/=:, -]{40}/],
  ['an AWS access key', /\b(?:AKIA|ASIA)(?![A-Z0-9]{9}EXAMPLE)[A-Z0-9]{16}\b/],
  ['a GitHub token', /\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{50,}\b/],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{20,}\b/],
  ['an Anthropic key', /\bsk-ant-[A-Za-z0-9_-]{32,}/],
  ['an OpenAI key', /\bsk-(?:proj-|svcacct-)[A-Za-z0-9_-]{40,}|\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b/],
  ['a Google API key', /\bAIza[0-9A-Za-z_-]{35}\b/],
  ['a Slack token', /\bxox[abeoprs]-[0-9]{8,}-[0-9A-Za-z-]{20,}/],
  ['a Stripe key', /\b[sr]k_live_[0-9A-Za-z]{24,}\b/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/],
  ['a PyPI token', /\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}/],
];

/** Looks through contents for these secrets and for keys of well-known formats; null when there is none. */
export function createScanner(secrets: readonly Secret[]): (content: Buffer) => Found | null {
  const needles = needlesOf(secrets);
  const grantedIn = (text: string): Needle | undefined =>
    needles.find(({ text: needle, wrapped }) => (wrapped === null ? text.includes(needle) : text.search(wrapped) >= 0));
  return (content) => {
    const text = content.toString('latin1');
    // As it is, and as whoever is shown it reads it; in two bytes a character, too.
    const granted = needles.length === 0 ? undefined : (grantedIn(text) ?? grantedIn(visible(text)));
    if (granted !== undefined) return { kind: 'granted', name: granted.name };
    for (const [name, pattern] of FORMATS) {
      const match = pattern.exec(text);
      if (match !== null) return { kind: 'format', name, text: match[0] };
    }
    return null;
  };
}
