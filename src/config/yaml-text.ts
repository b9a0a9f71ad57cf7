/** Reading YAML that somebody wrote by hand: bounded, and with errors of one line. */

import { CST, Lexer, LineCounter, parseDocument, Parser } from 'yaml';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';

const MAX_FILE_BYTES = 256 * 1024;
/** Aliases of aliases can make gigabytes of a few lines. */
const MAX_ALIASES = 50;
/** Each level is a call inside another: with some thousands there is no stack left, which can end the whole process. */
const MAX_LEVELS = 40;
/** Each is compared with all the others of its map: with some ten thousand that takes a minute, in which nothing else goes on. */
const MAX_KEYS = 2_000;
/** What stands before or behind a key. */
const AT_A_KEY: ReadonlySet<string | null> = new Set(['map-value-ind', 'explicit-key-ind', 'comma']);

/** What YAML's own words for it do not say: a command with a colon in it, or a line that stands too far right. */
const QUOTE = 'put a value that holds ": " into quotes, or mend the indentation there';

/** The value of a YAML file (1.2, one document, unique keys); an error begins with the file's name. */
export function readYaml(file: string, text: string): Parsed<unknown> {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_FILE_BYTES) {
    return fail(`${file}: is ${bytes} bytes, the limit is ${MAX_FILE_BYTES}; move long scripts to files of their own`);
  }
  // Read as UTF-8, a file in another encoding has such characters; nobody writes them.
  const foreign = /[\0\uFFFD]/.exec(text);
  if (foreign !== null) {
    const line = text.slice(0, foreign.index).split('\n').length;
    return fail(`${file}: line ${line} is not text in UTF-8; save the file as UTF-8`);
  }
  const size = tooLarge(text);
  if (size !== null) return fail(`${file}: ${size}`);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, uniqueKeys: true });
  const [error] = document.errors;
  if (error?.code === 'MULTIPLE_DOCS') return fail(`${file}: has several YAML documents; keep one`);
  if (error !== undefined) {
    const { line, col } = lineCounter.linePos(error.pos[0]);
    const fix = error.code === 'BLOCK_AS_IMPLICIT_KEY' ? QUOTE : 'mend the YAML there';
    return fail(`${file}: line ${line}, column ${col}: ${oneLine(error.message, 200)}; ${fix}`);
  }
  try {
    return ok(document.toJS({ maxAliasCount: MAX_ALIASES }));
  } catch (error) {
    // What toJS refuses is the file's fault: too many aliases, or an alias without its anchor.
    return fail(`${file}: ${oneLine(messageOf(error), 200)}; write it without YAML aliases`);
  }
}

/** Why a text is not to be read as YAML, by its signs alone; null when it may be. */
function tooLarge(text: string): string | null {
  const parser = new Parser();
  let keys = 0;
  for (const sign of new Lexer().lex(text)) {
    // What it makes of them is made again by who reads the text.
    Array.from(parser.next(sign));
    const line = (): number => text.slice(0, parser.offset).split('\n').length;
    if (parser.stack.length > MAX_LEVELS) {
      return `line ${line()}: is nested more than ${MAX_LEVELS} levels deep; mend the YAML there`;
    }
    if (AT_A_KEY.has(CST.tokenType(sign))) keys += 1;
    if (keys > MAX_KEYS) {
      return `line ${line()}: has more than ${MAX_KEYS} keys and commas up to there; take out what is not needed`;
    }
  }
  return null;
}
