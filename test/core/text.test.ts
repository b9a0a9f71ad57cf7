import { describe, expect, it } from '@jest/globals';
import {
  parseBranchName,
  parseObjectId,
  parseProjectName,
  parseTaskId,
  parseTaskIdPrefix,
  quote,
} from '../../src/core/ids.ts';
import {
  MAX_ANSWER_BYTES,
  MAX_BODY_BYTES,
  MAX_COMMAND_BYTES,
  MAX_TITLE_CHARS,
  oneLine,
  parseAnswer,
  parseBody,
  parseCommand,
  parseTitle,
  printable,
} from '../../src/core/text.ts';
import { forEachSeed, holds, messageOf, valueOf } from './rig.ts';

const RTL = '\u202e';
const HALF = '\ud83d';

describe('a title', () => {
  it('is taken without the spaces around it', () => {
    expect(valueOf(parseTitle('  Sort the imports 👩‍💻 של\n'))).toBe('Sort the imports 👩‍💻 של');
  });

  it.each([
    ['', 'is empty'],
    [' \n ', 'is empty'],
    ['two\nlines', 'more than one line'],
    ['--force', 'begins with a dash'],
    [`a${RTL}b`, 'control or text-direction characters'],
    ['a\u0000b', 'control or text-direction characters'],
    ['a\u200bb', 'control or text-direction characters'],
    [`a${HALF}`, 'control or text-direction characters'],
    ['\u200d\u200d', 'has nothing to read'],
    ['x'.repeat(MAX_TITLE_CHARS + 1), 'the limit is 200'],
  ])('refuses %j in one line', (text, reason) => {
    const message = messageOf(parseTitle(text));
    expect(message).toContain(reason);
    expect(message).toMatch(/^title: [ -~…]+$/);
  });

  it('may have as many characters as the limit says', () => {
    expect(parseTitle('x'.repeat(MAX_TITLE_CHARS)).kind).toBe('ok');
  });
});

describe('a body, an answer and a command', () => {
  it('are taken up to their limits in bytes and refused beyond', () => {
    expect(valueOf(parseBody(''))).toBe('');
    expect(parseBody('x'.repeat(MAX_BODY_BYTES)).kind).toBe('ok');
    expect(messageOf(parseBody('é'.repeat(MAX_BODY_BYTES / 2 + 1)))).toContain('body: is 65538 bytes');
    expect(parseAnswer('x'.repeat(MAX_ANSWER_BYTES)).kind).toBe('ok');
    expect(messageOf(parseAnswer('x'.repeat(MAX_ANSWER_BYTES + 1)))).toContain('answer: is 65537 bytes');
    expect(valueOf(parseCommand('npm test'))).toBe('npm test');
    expect(messageOf(parseCommand('x'.repeat(MAX_COMMAND_BYTES + 1)))).toContain('run: is 16385 bytes');
  });

  it('are refused when they have a NUL byte or nothing in them', () => {
    expect(messageOf(parseBody('a\0b'))).toContain('NUL');
    expect(messageOf(parseCommand('a\0b'))).toContain('NUL');
    expect(messageOf(parseCommand(' \n'))).toContain('empty');
    expect(messageOf(parseAnswer(' \n'))).toContain('empty');
    expect(messageOf(parseAnswer('\0\u200e\u200b'))).toContain('empty');
  });

  it('keep an answer on its lines and without what does not print', () => {
    expect(valueOf(parseAnswer(`yes${RTL}\r\n👍`))).toBe('yes\n👍');
  });
});

describe('text from outside', () => {
  it('loses what a terminal would act on, keeps its lines, and becomes whole characters', () => {
    expect(printable('\u001b[31mFAIL\u001b[39m\ttab\r\nnext\rlast\u2028end')).toBe('FAIL\ttab\nnext\nlast\nend');
    expect(printable('\u001b]0;title\u0007a\u001b]8;;x\u001b\\b\u001bc')).toBe('abc');
    expect(printable(`${HALF}x👍`)).toBe('\ufffdx👍');
  });

  it('is one line when it has to be, the first with something in it', () => {
    expect(oneLine('\n \n first \n second')).toBe('first');
    expect(oneLine('first\u2028second')).toBe('first');
    expect(oneLine('')).toBe('');
  });

  it('is cut at a whole character', () => {
    expect(oneLine('abcdef', 4)).toBe('abc…');
    expect(oneLine('ab👍def', 4)).toBe('ab…');
  });
});

describe('any string at all', () => {
  it('is quoted, printed and parsed without a throw, in one line that prints', () => {
    const alphabet = [
      'a',
      '-',
      '/',
      '\n',
      '\r',
      '\0',
      '"',
      '\\',
      RTL,
      HALF,
      '\udc00',
      '👍',
      '\u2028',
      '\u001b[',
      ' ',
      '.',
    ];
    forEachSeed((dice) => {
      const text = Array.from({ length: dice.below(90) }, () =>
        dice.roll() < 0.7 ? (alphabet[dice.below(alphabet.length)] ?? '') : String.fromCharCode(dice.below(65_536)),
      ).join('');
      const unsafe = /[\n\r\0\u202e\u2028\u001b]/;
      holds('a quoted text is safe', !unsafe.test(quote(text)) && quote(text).length < 400);
      holds('a line is safe', !unsafe.test(oneLine(text)) && oneLine(text, 20).length <= 20);
      holds('printing again changes nothing', printable(printable(text)) === printable(text));
      for (const parse of [
        parseTitle,
        parseBody,
        parseAnswer,
        parseCommand,
        parseTaskId,
        parseTaskIdPrefix,
        parseProjectName,
        parseObjectId,
        parseBranchName,
      ]) {
        const parsed = parse(text);
        holds('a refusal is safe', parsed.kind === 'ok' || !unsafe.test(parsed.message));
      }
    });
  });
});
