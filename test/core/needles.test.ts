import { describe, expect, it } from '@jest/globals';
import { array, assert, constantFrom, integer, property } from 'fast-check';
import { createFinder } from '../../src/core/needles.ts';
import { createRedactor, createScanner, redactText } from '../../src/core/secrets.ts';

/** The same letters each time, and no part of them twice. */
function letters(count: number): string {
  let state = 42;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.charAt(state >>> 26);
  }).join('');
}

const inLines = (text: string, size: number, end: string): string =>
  text.match(new RegExp(`.{1,${size}}`, 'g'))?.join(end) ?? '';

function shownOf(secrets: Parameters<typeof createRedactor>[0], text: Buffer, cuts: readonly number[]): string {
  const redactor = createRedactor(secrets);
  const ends = [...cuts.toSorted((one, other) => one - other), text.length];
  const shown = ends.map((to, index) => redactor.push(text.subarray(index === 0 ? 0 : ends[index - 1], to)));
  return Buffer.concat([...shown, redactor.end()]).toString('latin1');
}

/** Of the processor, for one chunk: the least of a few times. */
function costOf(secrets: Parameters<typeof createRedactor>[0], chunk: Buffer): number {
  const costs = Array.from({ length: 3 }, () => {
    const redactor = createRedactor(secrets);
    const before = process.cpuUsage();
    redactor.push(chunk);
    redactor.end();
    return process.cpuUsage(before).user;
  });
  return Math.min(...costs);
}

const longest = (lengths: readonly number[]): number => Math.max(0, ...lengths);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('texts that are looked for all at once', () => {
  it('are found as each of them is found alone, the longest that ends at a place', () => {
    const word = array(constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 5 }).map((chars) => chars.join(''));
    const text = array(constantFrom('a', 'b', 'c', 'd'), { maxLength: 60 }).map((chars) => chars.join(''));
    assert(
      property(array(word, { maxLength: 8 }), text, (words, within) => {
        const needles = [...new Set(words)];
        const finder = createFinder(needles);
        let state = 0;
        for (let end = 1; end <= within.length; end += 1) {
          state = finder.after(state, within.charCodeAt(end - 1));
          const before = within.slice(0, end);
          const ending = longest(needles.filter((each) => before.endsWith(each)).map((each) => each.length));
          expect(needles[finder.found(state)]?.length ?? 0).toBe(ending);
          const starts = needles.flatMap((each) => Array.from(each, (_, at) => each.slice(0, at + 1)));
          expect(finder.begun(state)).toBe(
            longest(starts.filter((each) => before.endsWith(each)).map((each) => each.length)),
          );
        }
      }),
      { seed: 7 },
    );
  });
});

describe('a secret of 64 KiB', () => {
  const value = letters(64 * 1024 - 3);
  const secrets = [{ name: 'BIG', value }];
  const hex = Buffer.from(value).toString('hex');

  it.each([
    ['as it is', value],
    ['in Base64', base64(value)],
    ['in Base64 with a newline at its end', base64(`${value}\n`)],
    ['in Base64 for URLs', Buffer.from(value).toString('base64url')],
    ['in Base64 in lines', inLines(base64(`${value}\n`), 76, '\n')],
    ['in Base64 in lines that are indented', inLines(base64(value), 64, '\r\n      ')],
    ['in hexadecimal', hex],
    ['in hexadecimal in capitals, in lines', inLines(hex.toUpperCase(), 60, '\n')],
    ['in a URL', encodeURIComponent(value)],
    ['backwards', Array.from(value).toReversed().join('')],
  ])('is found %s, wherever the chunks end, and nothing else is eaten', (_how, printed) => {
    const text = Buffer.from(`before\n${printed}\nafter`);
    expect(createScanner(secrets)(text)).toEqual([{ kind: 'granted', name: 'BIG' }]);
    assert(
      property(array(integer({ min: 0, max: text.length }), { maxLength: 9 }), (cuts) => {
        expect(shownOf(secrets, text, cuts)).toBe('before\n[secret BIG]\nafter');
      }),
      { seed: 11, numRuns: 4 },
    );
  });

  it('is shown as it came but for its last character', () => {
    const printed = value.slice(0, -1);
    expect(redactText(secrets, `${printed}\n${printed}`)).toBe(`${printed}\n${printed}`);
  });
});

describe('a key of many lines', () => {
  const body = inLines(letters(3_000), 64, '\n');
  const pem = `-----BEGIN X-----\n${body}\n-----END X-----\n`;
  const secrets = [{ name: 'PEM', value: pem }];

  it.each([
    ['as it is', pem.trim()],
    ['with other ends of lines', pem.trim().replaceAll('\n', '\r\n')],
    ['indented', pem.trim().replaceAll('\n', '\n    ')],
    ['in Base64 in lines', inLines(Buffer.from(pem).toString('base64'), 76, '\n')],
    ['in JSON', JSON.stringify(pem.trim()).slice(1, -1)],
  ])('is one secret %s, wherever a chunk ends', (_how, printed) => {
    const text = Buffer.from(`a ${printed} b`);
    for (let at = 0; at <= text.length; at += 397) expect(shownOf(secrets, text, [at])).toBe('a [secret PEM] b');
  });

  it('is none where less of it is printed than a line, and blank lines stay', () => {
    const text = `${body.slice(1, 40)}\n\n\n${' '.repeat(30)}\n${body.slice(41, 60)}`;
    expect(redactText(secrets, text)).toBe(text);
  });
});

describe('secrets that overlap', () => {
  it('are shown as one, which begins first, however it comes in chunks', () => {
    const secrets = [
      { name: 'ONE', value: 'abcdefgh' },
      { name: 'TWO', value: 'efghijklmnop' },
      { name: 'IN', value: 'ijklmn' },
      { name: 'MORE', value: 'abcdefghij' },
    ];
    const text = Buffer.from('x abcdefghijklmnop y ijklmn abcdefgh.efghijklmnop');
    const whole = 'x [secret MORE] y [secret IN] [secret ONE].[secret TWO]';
    for (let at = 0; at <= text.length; at += 1) expect(shownOf(secrets, text, [at])).toBe(whole);
    expect(shownOf(secrets, text, Array.from(text.keys()))).toBe(whole);
    expect(createScanner(secrets)(text)).toEqual([{ kind: 'granted', name: 'TWO' }]);
  });
});

describe('what takes time', () => {
  it.each([
    ['its first character', 'aB', 'a'],
    ['all of it but the end', `${'a'.repeat(60_000)}b`, 'a'],
    ['all of it, over and over', 'a'.repeat(2_000), 'a'],
    ['its first character in lines', `a${letters(5_000)}`, 'a\n'],
  ])('grows with what comes and no more, for a secret of which it repeats %s', (_how, value, repeated) => {
    const secrets = [{ name: 'KEY', value: value.padEnd(6, 'xyzuvw') }];
    const text = Buffer.from(repeated.repeat((1024 * 1024) / repeated.length));
    const part = costOf(secrets, text.subarray(0, 256 * 1024));
    // Four times as much; where each character cost all that came before it, it would be sixteen times.
    expect(costOf(secrets, text)).toBeLessThan(10 * part);
  });

  it('is held back only as long as it may be a secret', () => {
    const redactor = createRedactor([{ name: 'KEY', value: `${'a'.repeat(1_000)}b` }]);
    expect(redactor.push(Buffer.from('a'.repeat(100_000)))).toHaveLength(99_000);
  });
});

describe('the end of a secret in Base64', () => {
  it.each([0, 1, 2, 3, 4, 5])('is not left behind, with %i bytes before it', (before) => {
    const secrets = [{ name: 'KEY', value: 'k3y-of-the-agent-0123456789' }];
    for (const after of ['', '\n']) {
      const printed = Buffer.from(`${'x'.repeat(before)}${secrets[0]?.value}${after}`).toString('base64');
      for (let at = 0; at <= printed.length; at += 1) {
        expect(shownOf(secrets, Buffer.from(`${printed}\nafter`), [at])).toMatch(/^\w{0,7}\[secret KEY\]\nafter$/);
      }
    }
  });
});
