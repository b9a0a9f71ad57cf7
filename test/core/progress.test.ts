import { describe, expect, it } from '@jest/globals';
import { parseProgress, progressOf, progressOfLine, progressText } from '../../src/core/progress.ts';

describe('the progress that a line of output tells', () => {
  it.each([
    ['Reads the parser', 'Reads the parser', null],
    ['[ 45%] Building CXX object', '[ 45%] Building CXX object', 45],
    ['  7.5% of the files', '7.5% of the files', 7],
    ['100%', '100%', 100],
    ['[12/40] Compiling', '[12/40] Compiling', 30],
    ['[1/0] Compiling', '[1/0] Compiling', null],
    ['drawn once\r\u001b[32m 50%\u001b[0m drawn again\r', '50% drawn again', 50],
    ['coverage is at 80%', 'coverage is at 80%', null],
    ['999% sure', '999% sure', 100],
  ])('of %j', (line, text, percent) => {
    expect(progressOfLine(line)).toEqual({ text, percent });
  });

  it.each(['', '   ', '\r', '\u001b[2K'])('is none of %j', (line) => {
    expect(progressOfLine(line)).toBeNull();
  });
});

describe('progress', () => {
  it('is one short line, and a whole share', () => {
    const { text, percent } = progressOf(`a\nb ${'x'.repeat(1_000)}`, 33.4);
    expect([text, percent]).toEqual(['a', 33]);
    expect(progressOf('x'.repeat(1_000)).text.length).toBe(200);
    expect([-3, 140, Number.NaN].map((share) => progressOf('a', share).percent)).toEqual([0, 100, null]);
  });

  it('comes back from a heartbeat, and nothing else does', () => {
    expect(parseProgress({ text: 'a', percent: 40, more: 1 })).toEqual({ text: 'a', percent: 40 });
    expect(parseProgress({ text: 'a', percent: '40' })).toEqual({ text: 'a', percent: null });
    for (const other of [null, 'a', { text: 1 }, []]) expect(parseProgress(other)).toBeNull();
  });

  it('is told with its share where there is one', () => {
    expect(progressText({ text: 'a', percent: null })).toBe('a');
    expect(progressText({ text: 'a', percent: 0 })).toBe('0 %, a');
  });
});
