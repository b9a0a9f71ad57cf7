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
    ['the line ends of Windows', 'gate: a\r\nbranch: ü\r\n'],
    ['a byte order mark', '\ufeffgate: a\n'],
  ])('it is not by %s', (_what, text) => {
    expect(why(text)).toBe('it can be read');
  });
});
