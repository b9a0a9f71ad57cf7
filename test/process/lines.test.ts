import { expect, it } from '@jest/globals';

import { createLineCutter, MAX_LINE_BYTES } from '../../src/process/lines.ts';

const MEGABYTE = 1024 * 1024;
const DOT = Buffer.from('.');

/** The lines of a text that comes in pieces of this size. */
function cut(text: string | Buffer, size: number): readonly string[] {
  const lines: string[] = [];
  const cutter = createLineCutter((line) => lines.push(line));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) cutter.push(bytes.subarray(at, at + size));
  cutter.end();
  return lines;
}

it.each([1, 2, 3, 5, 1_023, 1_024, 1_025, 100_000])('gives out the same lines in pieces of %d bytes', (size) => {
  const long = 'é'.repeat(3_000);
  const text = `one\r\n\ntwo € ${long}\n${'x'.repeat(2_048)}\n\r\nthe last, without an end`;
  expect(cut(text, size)).toEqual(['one', '', `two € ${long}`, 'x'.repeat(2_048), '', 'the last, without an end']);
});

it.each([1_000, 3 * MEGABYTE])('drops what a line has beyond its limit, and goes on with the next, by %d', (size) => {
  const lines = cut(`${'a'.repeat(MAX_LINE_BYTES + 10)}\n${'b'.repeat(MAX_LINE_BYTES)}\nc\n`, size);
  expect(lines.map((line) => `${line[0]}${line.length}`)).toEqual([`a${MAX_LINE_BYTES}`, `b${MAX_LINE_BYTES}`, 'c1']);
});

it('has nothing to give out at the end of what ends with a newline, or of nothing', () => {
  expect(cut('one\n', 4)).toEqual(['one']);
  expect(cut('', 1)).toEqual([]);
});

it('takes no more memory for a line that comes byte by byte than for one that comes as a whole', () => {
  let length = 0;
  const cutter = createLineCutter((line) => (length = line.length));
  const before = process.memoryUsage.rss();
  for (let dots = 0; dots < MAX_LINE_BYTES; dots += 1) cutter.push(DOT);
  const most = process.memoryUsage.rss();
  cutter.end();
  expect(length).toBe(MAX_LINE_BYTES);
  expect((most - before) / MEGABYTE).toBeLessThan(48);
});
