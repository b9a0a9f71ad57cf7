/** YAML that somebody wrote by hand and that cannot be read. */

import { describe, expect, it } from '@jest/globals';
import { readYaml } from '../../src/config/yaml-text.ts';

function why(bytes: string | Buffer): string {
  const read = readYaml('tasks.yaml', bytes.toString('utf8'));
  return read.kind === 'invalid' ? read.message : 'it can be read';
}

describe('a file that is not YAML', () => {
  it('since a command in it has a colon is told to quote it', () => {
    expect(why('gate: echo a: b\n')).toMatch(
      /^tasks\.yaml: line 1, column 7: .*; put a value that holds ": " into quotes/,
    );
  });

  it('since it is in another encoding than UTF-8 says so', () => {
    expect(why(Buffer.from('gate: npm test\n', 'utf16le'))).toBe(
      'tasks.yaml: line 1 is not text in UTF-8; save the file as UTF-8',
    );
    expect(why(Buffer.from('a: 1\ngate: echo ü\n', 'latin1'))).toContain('line 2 is not text in UTF-8');
  });

  it.each([
    ['tabs', 'gate:\n\t- a\n', /line 2, column 1: Tabs/],
    ['a key twice', 'gate: a\ngate: b\n', /line 2, column 1: Map keys must be unique/],
    ['several documents', 'a: 1\n---\nb: 2\n', /several YAML documents/],
  ])('for %s names the line', (_what, text, expected) => {
    expect(why(text)).toMatch(expected);
  });

  it.each([
    ['brackets', `a: 1\nb: ${'['.repeat(2_000)}${']'.repeat(2_000)}\n`],
    ['lists in one line', `a: 1\n${'- '.repeat(50_000)}\n`],
    ['keys in one line', `a: 1\n${'? '.repeat(50_000)}\n`],
  ])('since it is nested too deep to be read safely says so, for %s', (_what, text) => {
    expect(why(text)).toBe('tasks.yaml: line 2: is nested more than 40 levels deep; mend the YAML there');
  });

  it.each([
    ['a key a line', (name: string) => `${name}:\n`, ''],
    ['one map', (name: string) => `${name}, `, '{'],
    ['keys with a sign', (name: string) => `? ${name}\n`, ''],
  ])('since it has more keys than can be compared at once says so, for %s', (_what, of, begin) => {
    const many = (count: number): string => Array.from({ length: count }, (_, n) => of(`k${n}`)).join('');
    expect(why(`${begin}${many(30_000)}`)).toMatch(/^tasks\.yaml: line \d+: has more than 2000 keys and commas/);
    expect(why(`${begin}${many(1_000)}${begin === '' ? '' : '}'}`)).toBe('it can be read');
  });

  it('is not by a long script, whatever stands in it', () => {
    const script = Array.from({ length: 3_000 }, (_, n) => `      echo [[[{{{ a, b: ${n}`).join('\n');
    expect(why(`gate:\n  - run: |\n${script}\n`)).toBe('it can be read');
  });

  it.each([
    ['the line ends of Windows', 'gate: a\r\nbranch: ü\r\n'],
    ['a byte order mark', '\ufeffgate: a\n'],
  ])('it is not by %s', (_what, text) => {
    expect(why(text)).toBe('it can be read');
  });
});
