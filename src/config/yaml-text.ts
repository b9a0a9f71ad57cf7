/** Reading YAML that somebody wrote by hand: bounded, and with errors of one line. */

import { LineCounter, parseDocument } from 'yaml';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';

const MAX_FILE_BYTES = 256 * 1024;
/** Aliases of aliases can make gigabytes of a few lines. */
const MAX_ALIASES = 50;

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
