/** Makes a key for the payloads that Temporal keeps. */

import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { newKeyText } from '../../codec/payload-key.ts';
import { codeOf } from '../../core/thrown.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import type { Session } from '../session.ts';

export interface KeygenOptions {
  readonly json?: true;
  readonly id?: string;
  readonly out?: string;
}

/** `tasks keygen`: the key on standard output, or in a file that only its owner may read. */
export async function keygen(session: Session, options: KeygenOptions): Promise<number> {
  const { id = new Date().toISOString().slice(0, 10) } = options;
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(id)) throw new UsageError('--id: must be 1 to 64 letters, digits, dots, - and _');
  const key = newKeyText();
  const path = options.out === undefined ? null : resolve(session.io.cwd, options.out);
  if (path !== null) await save(path, key);
  if (session.json) {
    session.printJson(path === null ? { id, key } : { id, path });
    return EXIT.ok;
  }
  if (path === null) session.print(key);
  session.note(
    `in host.yaml of every machine that runs workers or tasks${path === null ? ', with this key in the file' : ''}:`,
    'encryption:',
    '  keys:',
    `    - {id: ${JSON.stringify(id)}, from: ${JSON.stringify(`file:${path ?? '/etc/tributary/payloads.key'}`)}}`,
    'Keep a copy where the machines are not: what it has encrypted nothing else reads.',
  );
  return EXIT.ok;
}

/** Never over a file that is there: a key that is lost takes its tasks along. */
async function save(path: string, key: string): Promise<void> {
  try {
    await writeFile(path, `${key}\n`, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') throw new UsageError(`--out: ${path} is there already; name a new file`);
    if (code === null) throw error;
    throw new Failed(`--out: ${path} cannot be written (${code}); name a file in a folder of yours`, { cause: error });
  }
}
