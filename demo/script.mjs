/**
 * What the scripted agent knows of each task, by the task's title: what it reads, what it asks, what it writes, and how
 * it mends its work when that comes back. A real agent has a model for this.
 */

/** src/shorten.js with another last line. */
const shorten = (doc, lastLine) => `/** ${doc} */
export function shorten(text, limit) {
  if (text.length <= limit) return text;
  ${lastLine}
}
`;

/** A test file of the sample repository. */
const testOf = (name, imported, body) => `import assert from 'node:assert/strict';
import test from 'node:test';
import { ${imported} } from '../src/${name}.js';

${body}
`;

// Two tasks change the same line of this file. Whichever lands second gets it back with both sides in it.
const SHORTEN_BOTH = {
  'src/shorten.js': shorten(
    'A text of at most `limit` characters that ends with a whole word and an ellipsis.',
    "return `${text.slice(0, limit - 1).replace(/\\s+\\S*$/, '')}…`;",
  ),
};

const COUNT_TEST = testOf(
  'count-words',
  'countWords',
  `test('counts each word, whatever its case', () => {
  assert.deepEqual(countWords('The cat and the dog'), new Map([['the', 2], ['cat', 1], ['and', 1], ['dog', 1]]));
});`,
);

const countWords = (eachWord) => `import { words } from './words.js';

/** How often each word occurs in a text, in lower case. */
export function countWords(text) {
  const counts = new Map();
  for (const word of words(${eachWord})) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
`;

const titleCase = (smallWords) => `${smallWords}

/** A title with capitals, but for small words that do not begin it. */
export function titleCase(title) {
  const words = title.split(' ');
  return words.map((word, at) => (at > 0 && SMALL.has(word) ? word : word.charAt(0).toUpperCase() + word.slice(1))).join(' ');
}
`;

/** @type {Record<string, { reads: string[], question?: string, work: Record<string, string>, changed?: Record<string, string>, revision?: Record<string, string>, summary: string }>} */
export const SCRIPT = {
  'Shorten at the end of a word': {
    reads: ['src/shorten.js', 'test/shorten.test.js'],
    question: 'May a word that is longer than the limit be cut?',
    work: {
      'src/shorten.js': shorten(
        'A text of at most `limit` characters that ends with a whole word.',
        "return text.slice(0, limit).replace(/\\s+\\S*$/, '');",
      ),
      'test/shorten-word.test.js': testOf(
        'shorten',
        'shorten',
        `test('cuts between words', () => {
  assert.match(shorten('one two three', 9), /^one two\\b(?! t)/);
});`,
      ),
    },
    revision: SHORTEN_BOTH,
    summary: 'texts are cut between words',
  },
  'End shortened texts with an ellipsis': {
    reads: ['src/shorten.js', 'test/shorten.test.js'],
    question: 'Three dots, or one character?',
    work: {
      'src/shorten.js': shorten(
        'A text of at most `limit` characters that ends with an ellipsis.',
        'return `${text.slice(0, limit - 1)}…`;',
      ),
      'test/shorten-ellipsis.test.js': testOf(
        'shorten',
        'shorten',
        `test('ends with an ellipsis', () => {
  assert.ok(shorten('one two three', 9).endsWith('…'));
});`,
      ),
    },
    revision: SHORTEN_BOTH,
    summary: 'shortened texts end with an ellipsis',
  },
  'Count how often each word occurs': {
    reads: ['src/words.js', 'test/words.test.js'],
    // It forgets the case, does not run its test, and is sent back by the gate.
    work: { 'src/count-words.js': countWords('text'), 'test/count-words.test.js': COUNT_TEST },
    revision: { 'src/count-words.js': countWords('text.toLowerCase()') },
    summary: 'countWords() counts the words of a text',
  },
  'Make web addresses of titles': {
    reads: ['src/words.js'],
    work: {
      'src/slugify.js': `import { words } from './words.js';

/** A title as part of a web address. */
export function slugify(title) {
  return words(title.toLowerCase().replace(/[^a-z0-9\\s]/g, '')).join('-');
}
`,
      'test/slugify.test.js': testOf(
        'slugify',
        'slugify',
        `test('makes a web address of a title', () => {
  assert.equal(slugify('Hello, big World!'), 'hello-big-world');
});`,
      ),
    },
    summary: 'slugify() makes web addresses of titles',
  },
  'Estimate the reading time': {
    reads: ['src/words.js'],
    work: {
      'src/reading-time.js': `import { words } from './words.js';

const WORDS_A_MINUTE = 220;

/** How long people read a text, in whole minutes. */
export function readingMinutes(text) {
  return Math.ceil(words(text).length / WORDS_A_MINUTE);
}
`,
      'test/reading-time.test.js': testOf(
        'reading-time',
        'readingMinutes',
        `test('takes a minute for a short text and none for an empty one', () => {
  assert.equal(readingMinutes('one two'), 1);
  assert.equal(readingMinutes(''), 0);
});`,
      ),
    },
    summary: 'readingMinutes() estimates the reading time',
  },
  'Write titles in capitals': {
    reads: ['src/words.js', 'data/stopwords.txt'],
    question: 'Does every word get a capital, "of" and "the" too?',
    work: {
      'src/title-case.js': titleCase("const SMALL = new Set(['and', 'of', 'the']);"),
      'test/title-case.test.js': testOf(
        'title-case',
        'titleCase',
        `test('writes the first word and every long one with a capital', () => {
  assert.equal(titleCase('the history of the world'), 'The History of the World');
});`,
      ),
      'README.md': `# textkit

Small functions for texts: \`titleCase('the history of the world')\` is "The History of the World".
`,
    },
    changed: {
      'src/title-case.js': titleCase(`import { readFileSync } from 'node:fs';

const SMALL = new Set(readFileSync(new URL('../data/stopwords.txt', import.meta.url), 'utf8').split('\\n'));`),
    },
    summary: 'titleCase() writes titles with capitals',
  },
  'Say in the README how to use it': {
    reads: ['README.md', 'src/words.js', 'src/shorten.js'],
    work: {
      'README.md': `# textkit

Small functions for texts. The tests run with \`npm test\` and need nothing but Node.

    import { shorten } from './src/shorten.js';
    shorten('a long text', 8);
`,
    },
    summary: 'the README shows how to use it',
  },
};
