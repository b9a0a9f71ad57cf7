/**
 * Secrets in what processes print and commit (N10): taken out of streams, also where a chunk ends in the middle of one, and
 * found in contents before they are pushed. Pure. Texts are bytes, read as Latin-1, so that nothing depends on an encoding.
 */

import { createFinder, type Finder } from './needles.ts';
import { formsOf } from './secret-forms.ts';
import { isRecord } from './text.ts';
import { createVisible, maybeUnseenAtEnd, visible } from './unseen.ts';

export interface Secret {
  /** What people see in its place. */
  readonly name: string;
  readonly value: string;
}

/** Shorter ones would be found in anything. */
const MIN_SECRET_BYTES = 6;
/** A text that is longer is often printed in lines: Base64 after 64 or 76 characters. */
const WRAPPED_CHARS = 40;
/** The end of a line and what the next one is indented by. */
const MAX_BREAK_CHARS = 22;

interface Needle {
  readonly secret: Secret;
  readonly text: string;
}

interface Needles {
  readonly list: readonly Needle[];
  readonly finder: Finder;
  /** Whether one is so long that it may be printed in lines. */
  readonly inLines: boolean;
}

/** Of the same secrets there are several streams and texts. */
const known = new WeakMap<readonly Secret[], Needles>();

function needlesOf(secrets: readonly Secret[]): Needles {
  const before = known.get(secrets);
  if (before !== undefined) return before;
  const texts = new Map<string, Secret>();
  for (const secret of secrets) {
    // A file that a secret is read from mostly ends with a newline, and a key has several lines.
    const parts = [secret.value, ...secret.value.split('\n')].map((part) => part.trim());
    for (const part of new Set(parts.filter((each) => Buffer.byteLength(each) >= MIN_SECRET_BYTES))) {
      // As it is, as whoever is shown it reads it, and in one line.
      for (const text of formsOf(part).flatMap((form) => [form, visible(form), inOneLine(visible(form))])) {
        if (text.length >= MIN_SECRET_BYTES && !texts.has(text)) texts.set(text, secret);
      }
    }
  }
  const list = Array.from(texts, ([text, secret]) => ({ secret, text }));
  const finder = createFinder(list.map(({ text }) => text));
  const needles = { list, finder, inLines: list.some(({ text }) => text.length > WRAPPED_CHARS) };
  known.set(secrets, needles);
  return needles;
}

/** Tells of each character of a text, one after the other, whether it belongs to a break between two lines. */
function createBreaks(): (code: number) => boolean {
  let length = 0;
  return (code) => {
    const within = code === 10 || code === 13 || (length > 0 && (code === 32 || code === 9));
    length = within && length < MAX_BREAK_CHARS ? length + 1 : 0;
    return length > 0;
  };
}

/** A long text without its breaks, which are not the same wherever it is printed. */
function inOneLine(text: string): string {
  if (text.length <= WRAPPED_CHARS || !/[\r\n]/.test(text)) return text;
  const isBreak = createBreaks();
  return Array.from(text)
    .filter((char) => !isBreak(char.charCodeAt(0)))
    .join('');
}

interface Match extends Needle {
  /** Counted from the beginning of all that was read. */
  readonly start: number;
  readonly end: number;
}

interface Reading {
  /** Takes one more character. @returns what ends with it and begins first; null: nothing does */
  next(code: number): Match | null;
  /** Nothing that is still to be found begins before this. */
  safe(): number;
}

/** Reads a text once, as it is and without its breaks. */
function createReading({ list, finder, inLines }: Needles): Reading {
  const isBreak = createBreaks();
  let end = 0;
  let asItIs = 0;
  let inOne = 0;
  /** Where the characters without the breaks stand: at least those that may be the beginning of a needle. */
  let places: number[] = [];
  const placeOf = (last: number): number => {
    const at = places.length - last;
    return Math.min(end, ...places.slice(at, at + 1));
  };
  const nextInOne = (code: number): Match | null => {
    inOne = finder.after(inOne, code);
    places.push(end - 1);
    const needle = list[finder.found(inOne)];
    const found = needle === undefined || needle.text.length <= WRAPPED_CHARS ? null : needle;
    const match = found === null ? null : { ...found, start: placeOf(found.text.length), end };
    const begun = finder.begun(inOne);
    if (places.length > 2 * begun + 4_096) places = places.slice(places.length - begun);
    return match;
  };
  return {
    next(code) {
      end += 1;
      asItIs = finder.after(asItIs, code);
      const wrapped = inLines && !isBreak(code) ? nextInOne(code) : null;
      const needle = list[finder.found(asItIs)];
      if (needle === undefined) return wrapped;
      const start = end - needle.text.length;
      return wrapped !== null && wrapped.start < start ? wrapped : { ...needle, start, end };
    },
    safe: () => Math.min(end - finder.begun(asItIs), placeOf(finder.begun(inOne))),
  };
}

export interface Redactor {
  /** What may be shown of all that has come so far. */
  push(chunk: Buffer): Buffer;
  /** The rest. */
  end(): Buffer;
}

/** A part of a stream that is not shown. */
interface Span {
  readonly start: number;
  readonly end: number;
  readonly secret: Secret;
  /** Whether its mark has been shown: what is left of it is shown as nothing. */
  readonly marked: boolean;
}

/** With one more, in order; those that overlap are one, which is named after what begins first. */
function cover(spans: Span[], { start, end, secret }: Match): void {
  let span: Span = { start, end, secret, marked: false };
  let last = spans.at(-1);
  while (last !== undefined && last.end > span.start) {
    if (last.start < span.start) span = { ...last, end };
    spans.pop();
    last = spans.at(-1);
  }
  spans.push(span);
}

/**
 * For one stream. What may be the beginning of a secret is held back until the next chunk tells. Where there are secrets, what
 * nobody sees is left out. The work is linear in what comes, whatever the secrets are.
 */
export function createRedactor(secrets: readonly Secret[]): Redactor {
  const needles = needlesOf(secrets);
  let reading = createReading(needles);
  let seen = createVisible();
  let spans: Span[] = [];
  let held = '';
  /** Where `held` begins in all that was read. */
  let from = 0;
  let maybeUnseen = '';
  const read = (text: string): void => {
    for (let at = 0; at < text.length; at += 1) {
      const match = reading.next(text.charCodeAt(at));
      if (match !== null) cover(spans, match);
    }
    held += text;
  };
  const showTo = (to: number): Buffer => {
    const shown: string[] = [];
    let at = from;
    for (const span of spans.filter(({ start }) => start < to)) {
      if (!span.marked) shown.push(held.slice(at - from, span.start - from), markOf(span.secret.name));
      at = Math.min(span.end, to);
    }
    shown.push(held.slice(at - from, to - from));
    spans = spans.filter(({ end }) => end > to).map((span) => ({ ...span, marked: span.start < to }));
    held = held.slice(to - from);
    from = to;
    return Buffer.from(shown.join(''), 'latin1');
  };
  return {
    push(chunk) {
      if (needles.list.length === 0) return chunk;
      const come = maybeUnseen + chunk.toString('latin1');
      maybeUnseen = maybeUnseenAtEnd(come);
      read(seen(come.slice(0, come.length - maybeUnseen.length)));
      return showTo(reading.safe());
    },
    end() {
      read(seen(maybeUnseen));
      const rest = showTo(from + held.length);
      reading = createReading(needles);
      seen = createVisible();
      from = 0;
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
  ['a private key', /-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----[\s\\nr]+[A-Za-z0-9+/=:, -]{40}/g],
  ['an AWS access key', /\b(?:AKIA|ASIA)(?![A-Z0-9]{9}EXAMPLE)[A-Z0-9]{16}\b/g],
  ['a GitHub token', /\bgh[pousr]_[A-Za-z0-9]{36,}\b|\bgithub_pat_[A-Za-z0-9_]{50,}\b/g],
  ['a GitLab token', /\bglpat-[A-Za-z0-9_-]{20,}\b/g],
  ['an Anthropic key', /\bsk-ant-[A-Za-z0-9_-]{32,}/g],
  ['an OpenAI key', /\bsk-(?:proj-|svcacct-)[A-Za-z0-9_-]{40,}|\bsk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}\b/g],
  ['a Google API key', /\bAIza[0-9A-Za-z_-]{35}\b/g],
  ['a Slack token', /\bxox[abeoprs]-[0-9]{8,}-[0-9A-Za-z-]{20,}/g],
  ['a Stripe key', /\b[sr]k_live_[0-9A-Za-z]{24,}\b/g],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/g],
  ['a PyPI token', /\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}/g],
];

/** Looks through contents for these secrets, and where there is none for all keys of well-known formats. */
export function createScanner(secrets: readonly Secret[]): (content: Buffer) => readonly Found[] {
  const needles = needlesOf(secrets);
  const grantedIn = (text: string): Needle | null => {
    if (needles.list.length === 0) return null;
    const reading = createReading(needles);
    let longest: Match | null = null;
    for (let at = 0; at < text.length; at += 1) {
      const match = reading.next(text.charCodeAt(at));
      if (match !== null && match.text.length > (longest?.text.length ?? 0)) longest = match;
    }
    return longest;
  };
  return (content) => {
    const text = content.toString('latin1');
    // As it is, and as whoever is shown it reads it; in two bytes a character, too.
    const seen = needles.list.length === 0 ? text : visible(text);
    const granted = grantedIn(text) ?? (seen === text ? null : grantedIn(seen));
    if (granted !== null) return [{ kind: 'granted', name: granted.secret.name }];
    return FORMATS.flatMap(([name, pattern]) => {
      const found = new Set(Array.from(text.matchAll(pattern), ([match]) => match));
      return Array.from(found, (match) => ({ kind: 'format' as const, name, text: match }));
    });
  };
}
