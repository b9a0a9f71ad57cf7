import { describe, expect, it } from '@jest/globals';
import { array, assert, integer, property } from 'fast-check';
import { createRedactor, createScanner, redactText, redactWithin } from '../../src/core/secrets.ts';
import { printable } from '../../src/core/text.ts';

const KEY = 'sK/+t0p-s3cret&value=42é';
const SECRETS = [{ name: 'KEY', value: KEY }];
const chars = (count: number): string => 'aB3dE6gH9'.repeat(20).slice(0, count);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('what a process prints', () => {
  it.each([
    ['plainly', KEY],
    ['in Base64', base64(KEY)],
    ['in Base64 with something before and after it', base64(`x:${KEY}:yz`)],
    ['in Base64 with something else before it', base64(`{"k":"${KEY}"}`)],
    ['in Base64 for URLs', Buffer.from(`a${KEY}`).toString('base64url')],
    ['in a URL', `https://example.com/?k=${encodeURIComponent(KEY)}&x`],
    ['in hexadecimal', Buffer.from(KEY).toString('hex')],
    ['backwards', Array.from(KEY).toReversed().join('')],
    ['in JSON', JSON.stringify({ KEY })],
    ["in a URL's path", `https://x:${encodeURIComponent(KEY).replaceAll('%2F', '/')}@example.com/`],
    ['in a URL by small digits', encodeURIComponent(KEY).replaceAll(/%../g, (part) => part.toLowerCase())],
    ['in JSON with slashes that are escaped', JSON.stringify({ KEY }).replaceAll('/', '\\/')],
    ['in JSON of ASCII alone', JSON.stringify({ KEY }).replaceAll('é', '\\u00e9')],
    ['in JSON for web pages', JSON.stringify({ KEY }).replaceAll('&', '\\u0026')],
    ['in XML', `<key>${KEY.replaceAll('&', '&amp;')}</key>`],
  ])('has no secret in it that was printed %s', (_how, printed) => {
    const bytes = Buffer.from(`before ${printed} after`);
    const redactor = createRedactor(SECRETS);
    const shown = Buffer.concat([redactor.push(bytes), redactor.end()]).toString('latin1');
    expect(shown).toContain('[secret KEY]');
    expect(shown).toMatch(/^before .* after$/);
    expect(createScanner(SECRETS)(bytes)).toEqual([{ kind: 'granted', name: 'KEY' }]);
  });

  it.each([
    ['in lines of 76', (text: string) => text.replace(/.{76}/g, '$&\n')],
    ['in lines of 64 that are indented', (text: string) => text.replace(/.{64}/g, '$&\r\n    ')],
  ])('has nothing of a long secret in it, in Base64 or hexadecimal %s, however it comes in chunks', (_how, inLines) => {
    const long = [{ name: 'LONG', value: chars(60) + KEY + chars(90) }];
    const bytes = Buffer.from(`x${long[0]?.value}`);
    for (const form of [bytes.toString('base64'), bytes.toString('hex')]) {
      const printed = Buffer.from(`before\n${inLines(form)}\nafter`);
      expect(createScanner(long)(printed)).toEqual([{ kind: 'granted', name: 'LONG' }]);
      for (let at = 0; at <= printed.length; at += 7) {
        const redactor = createRedactor(long);
        const shown = [redactor.push(printed.subarray(0, at)), redactor.push(printed.subarray(at)), redactor.end()];
        expect(Buffer.concat(shown).toString('utf8')).toMatch(/^before\n\w{0,3}\[secret LONG\][\w=]{0,4}\nafter$/);
      }
    }
  });

  it.each([
    ['in a form', 'pass+word+%28of%27it%29'],
    ['in a URL, all that may be', 'pass%20word%20%28of%27it%29'],
    ['in XML', 'pass word (of&#39;it)'],
    ['in XML by a name', 'pass word (of&apos;it)'],
    ['in quotes of a shell', "'pass word (of'\\''it)'"],
  ])('has no secret with blanks and quotes in it that was printed %s', (_how, printed) => {
    const shown = redactText([{ name: 'WORDS', value: "pass word (of'it)" }], `before ${printed} after`);
    expect(shown).toMatch(/^before '?\[secret WORDS\]'? after$/);
  });

  it('is not held back for a line that ends', () => {
    const redactor = createRedactor([{ name: 'LONG', value: chars(100) }]);
    for (const line of ['what is this?\n', '\n', '\r\n', '...\r\n    '])
      expect(redactor.push(Buffer.from(line)).toString()).not.toBe('');
  });

  it('is the same however it comes in chunks, and nothing of a secret is shown before it is known', () => {
    const text = Buffer.from(`a${KEY}b${base64(KEY)}c${KEY.slice(0, -1)}\n${KEY}`);
    const whole = redactText(SECRETS, text.toString('utf8'));
    expect(whole.match(/\[secret KEY\]/g)).toHaveLength(3);
    assert(
      property(array(integer({ min: 0, max: text.length }), { maxLength: 12 }), (cuts) => {
        const redactor = createRedactor(SECRETS);
        const shown: Buffer[] = [];
        let from = 0;
        for (const to of [...cuts.toSorted((one, other) => one - other), text.length]) {
          shown.push(redactor.push(text.subarray(from, to)));
          expect(Buffer.concat(shown).toString('utf8')).not.toContain(KEY);
          from = to;
        }
        expect(Buffer.concat([...shown, redactor.end()]).toString('utf8')).toBe(whole);
      }),
    );
  });

  it('is not held back where nothing of a secret is in it', () => {
    const redactor = createRedactor(SECRETS);
    expect(redactor.push(Buffer.from('what is this?\n')).toString()).toBe('what is this?\n');
  });

  it('is untouched without secrets, and by values too short to be told', () => {
    const text = Buffer.from('abc abc');
    expect(createRedactor([]).push(text)).toBe(text);
    expect(redactText([{ name: 'SHORT', value: 'abc' }], 'abc abc')).toBe('abc abc');
    expect(redactText([], 'abc abc')).toBe('abc abc');
  });

  it('has no short secret in it, of whose Base64 only what is long enough to be told is looked for', () => {
    const secrets = [{ name: 'PIN', value: 'x7!k9?' }];
    expect(redactText(secrets, `x7!k9? ${base64('x7!k9?')}`)).toBe('[secret PIN] [secret PIN]');
    expect(redactText(secrets, base64('.x7!k9?.'))).toBe(base64('.x7!k9?.'));
  });

  it('has no line of a key of several lines in it', () => {
    const key = '-----BEGIN X-----\nMIIabcdefghijk\nlmnopqrstuvwxyz\n-----END X-----\n';
    expect(redactText([{ name: 'PEM', value: key }], 'MIIabcdefghijk')).toBe('[secret PEM]');
  });

  it.each(['\0', '\x1b[1;31m', '\x1b]0;title\x07', '\x1b]8;;x\x1b\\', '\x1b', '\x7f', '\u0090', '\u061c', '\u200e', '\u202e', '\u2066', '\ufeff'])(
    'has no secret in it in whose middle stands %j, which nobody sees, however it comes in chunks',
    (unseen) => {
      const text = Buffer.from(`a ${KEY.slice(0, 5)}${unseen}${KEY.slice(5)} b`);
      for (let at = 0; at <= text.length; at += 1) {
        const redactor = createRedactor(SECRETS);
        const shown = [redactor.push(text.subarray(0, at)), redactor.push(text.subarray(at)), redactor.end()];
        expect(printable(Buffer.concat(shown).toString('utf8'))).toBe('a [secret KEY] b');
      }
    },
  ); // prettier-ignore

  it.each([
    [[0xc2, 0, 0x80]],
    [[0xd8, 0, 0, 0x9c]],
    [[0xe2, 0, 0x80, 0x8e]],
    [[0xe2, 0x80, 0, 0x8e]],
    [[0xe2, 0, 0x81, 0, 0xa6]],
    [[0xef, 0xbb, 0x1b, 0xbf]],
    [[0xc2, ...Buffer.from('\x1b[0m'), 0x80]],
    [[0xc2, 0xc2, 0x80, 0x80]],
  ])(
    'has no secret in it in whose middle %j would be something that nobody sees, once a part is taken out',
    (bytes) => {
      const text = Buffer.concat([Buffer.from(KEY.slice(0, 5)), Buffer.from(bytes), Buffer.from(KEY.slice(5))]);
      for (let at = 0; at <= text.length; at += 1) {
        const redactor = createRedactor(SECRETS);
        const shown = [redactor.push(text.subarray(0, at)), redactor.push(text.subarray(at)), redactor.end()];
        expect(printable(Buffer.concat(shown).toString('utf8'))).not.toContain(KEY);
      }
    },
  );

  it('has no secret in it of which a letter is apart', () => {
    const secrets = [{ name: 'POUND', value: 'p4ss\u00a3word' }];
    const apart = Buffer.from('p4ss\u00c2\0\u00a3word', 'latin1');
    const redactor = createRedactor(secrets);
    expect(Buffer.concat([redactor.push(apart), redactor.end()]).toString()).toBe('[secret POUND]');
    expect(createScanner(secrets)(apart)).toEqual([{ kind: 'granted', name: 'POUND' }]);
  });

  it.each(['x', 'é', '好', '\u{1f600}'])('has no secret in it in whose middle stands a title of many %s', (char) => {
    for (const count of [10, 400, 900, 1_500, 2_000, 4_090, 5_000]) {
      const text = `a ${KEY.slice(0, 5)}\x1b]0;${char.repeat(count)}\x07${KEY.slice(5)} b`;
      expect(printable(redactText(SECRETS, text))).not.toContain(KEY);
    }
  });

  it('keeps what is seen, the beginning of something unseen at its end included', () => {
    const redactor = createRedactor(SECRETS);
    const parts = ['caf\u00e9\t\u2014 \u{1f600}\r\n', 'end\u2026'].flatMap((text) => [...Buffer.from(text)]);
    const shown = parts.map((byte) => redactor.push(Buffer.from([byte])));
    expect(Buffer.concat([...shown, redactor.end()]).toString('utf8')).toBe('caf\u00e9\t\u2014 \u{1f600}\r\nend\u2026');
    const cut = [redactor.push(Buffer.from([0x78, 0xe2, 0x80])), redactor.end(), redactor.push(Buffer.from('y'))];
    expect(Buffer.concat(cut)).toEqual(Buffer.from([0x78, 0xe2, 0x80, 0x79]));
  });

  it('is never taken for a secret by nothing, where all of a secret is unseen', () => {
    expect(redactText([{ name: 'UNSEEN', value: 'a\0\0\0\0\0\0b' }], 'ab')).toBe('ab');
  });

  it('has no secret in it that is half a character too much for URLs', () => {
    const half = 'unpaired-\ud83d';
    expect(redactText([{ name: 'HALF', value: half }], `<${half}>`)).toBe('<[secret HALF]>');
  });
});

describe('a value that goes into a history', () => {
  it('has no secret in any text of it, but in the fields that are the engine’s', () => {
    const value = { id: KEY, list: [KEY, 3, null], deep: { text: `<${KEY}>`, id: KEY }, is: true };
    expect(redactWithin(SECRETS, value, new Set(['id']))).toEqual({
      id: KEY,
      list: ['[secret KEY]', 3, null],
      deep: { text: '<[secret KEY]>', id: KEY },
      is: true,
    });
    expect(redactWithin([], value, new Set())).toBe(value);
  });
});

describe('a content that is to be pushed', () => {
  it.each([
    ['between its halves a NUL', Buffer.from(`${KEY.slice(0, 9)}\0${KEY.slice(9)}`)],
    ['two bytes for each character', Buffer.from('sK/+t0p-s3cret', 'utf16le')],
  ])('is known to have a secret in it that has %s', (_how, content) => {
    const secrets = [...SECRETS, { name: 'KEY', value: 'sK/+t0p-s3cret' }];
    expect(createScanner(secrets)(Buffer.concat([Buffer.from('x '), content]))).toEqual([
      { kind: 'granted', name: 'KEY' },
    ]);
  });

  const scan = createScanner([]);
  // So that nobody's scanner takes this file for one that has a key.
  const kind = ['PRIVATE', 'KEY'].join(' ');
  it.each([
    ['a GitHub token', `ghp_${chars(36)}`],
    ['an AWS access key', `AKIA${chars(3).toUpperCase()}QWERTYUIOP234`],
    ['an Anthropic key', `sk-ant-${chars(40)}`],
    ['a private key', `-----BEGIN OPENSSH ${kind}-----\n${chars(64)}\n`],
    ['an npm token', `npm_${chars(36)}`],
    ['a Stripe key', `sk${'_live_'.repeat(1)}${chars(24)}`],
  ])('is known to have %s in it', (name, text) => {
    expect(scan(Buffer.from(`key = "${text}"\n`))).toMatchObject([{ kind: 'format', name }]);
  });

  it('is known to have every key in it, each once', () => {
    const [one, other] = [`ghp_${chars(36)}`, `npm_${chars(36)}`];
    expect(scan(Buffer.from(`${one} ${other}\n${one} ${one}x\n`))).toEqual([
      { kind: 'format', name: 'a GitHub token', text: one },
      { kind: 'format', name: 'a GitHub token', text: `${one}x` },
      { kind: 'format', name: 'an npm token', text: other },
    ]);
  });

  it.each([
    'AKIAIOSFODNN7EXAMPLE',
    'sk-ant-...',
    '-----BEGIN PRIVATE KEY-----',
    'the commit da39a3ee5e6b4b0d3255bfef95601890afd80709',
    'ghp_short',
  ])('may have %j in it', (text) => {
    expect(scan(Buffer.from(text))).toEqual([]);
  });
});
