/** A person's own editor on a text. */

import { spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isUtf8 } from 'node:buffer';
import { MAX_ANSWER_BYTES, oneLine } from '../core/text.ts';
import { messageOf } from '../core/thrown.ts';
import { makeTemporary } from '../files/temporary.ts';
import { Failed, UsageError } from './errors.ts';
import type { Session } from './session.ts';

/**
 * The text as it was left by `$VISUAL` or `$EDITOR`, which may have arguments, as in `code --wait`.
 *
 * @throws UsageError when none is set, Failed when it ends with anything but 0 or leaves what is no text
 */
export async function editText(session: Session, name: string, text: string): Promise<string> {
  const { editor, all } = session.environment;
  if (editor === null) {
    throw new UsageError('--edit: no editor is set; set EDITOR, or give the edited text with --with FILE');
  }
  const folder = makeTemporary('tasks-edit-');
  try {
    const file = join(folder, name);
    // Editors end a text with a line end, and take one without for unfinished.
    const given = text.endsWith('\n') ? text : `${text}\n`;
    await writeFile(file, given, { mode: 0o600 });
    await run(editor, file, session.io.cwd, all);
    const bytes = await readFile(file).catch((error: unknown) => {
      throw nothingSent(`the editor left no text (${messageOf(error)})`);
    });
    if (bytes.length > MAX_ANSWER_BYTES) throw nothingSent('the text is longer than 64 KiB: shorten it');
    if (!isUtf8(bytes)) throw nothingSent('the editor left what is no UTF-8 text');
    const edited = bytes.toString('utf8');
    return edited === given ? text : edited;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Keeps a text that could not be sent; the path of its file. */
export async function keepText(text: string): Promise<string> {
  const file = join(makeTemporary('tasks-kept-'), 'edited.md');
  await writeFile(file, text, { mode: 0o600 });
  return file;
}

function run(editor: string, file: string, cwd: string, env: Readonly<Record<string, string>>): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', `${editor} "$@"`, 'editor', file], { cwd, env, stdio: 'inherit' });
    child.once('error', (error) => reject(nothingSent(`the editor cannot be started: ${error.message}`)));
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(nothingSent(`the editor ${oneLine(editor, 60)} ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

function nothingSent(why: string): Failed {
  return new Failed(`--edit: ${why}; nothing was sent`);
}
