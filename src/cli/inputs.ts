/** Reading what a person names by a path, or by - for standard input. */

import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isUtf8 } from 'node:buffer';
import { quote } from '../core/ids.ts';
import { codeOf } from '../core/thrown.ts';
import { UsageError } from './errors.ts';
import { readAll, type CliIo } from './io.ts';

const MIB = 1024 * 1024;

/** The text of a file, or of standard input for `-`. @throws UsageError that names the option */
export async function readInput(io: CliIo, option: string, path: string, maxBytes: number): Promise<string> {
  const bytes = path === '-' ? await readAll(io.stdin, maxBytes) : await readFileBounded(io, option, path, maxBytes);
  const name = path === '-' ? 'standard input' : quote(path);
  if (bytes === null) {
    const limit = maxBytes >= MIB ? `${maxBytes / MIB} MiB` : `${Math.floor(maxBytes / 1024)} KiB`;
    throw new UsageError(`${option}: ${name} is longer than ${limit}; shorten it`);
  }
  if (!isUtf8(bytes)) throw new UsageError(`${option}: ${name} is no UTF-8 text; give a text file`);
  return bytes.toString('utf8');
}

async function readFileBounded(io: CliIo, option: string, path: string, maxBytes: number): Promise<Buffer | null> {
  try {
    const file = await open(resolve(io.cwd, path), 'r');
    try {
      if ((await file.stat()).isDirectory()) throw new UsageError(`${option}: ${quote(path)} is a folder; name a file`);
      return await readAll(file.createReadStream({ autoClose: false }), maxBytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const code = codeOf(error) ?? 'unreadable';
    const why = code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${code})`;
    throw new UsageError(`${option}: ${quote(path)}: ${why}; check the path`);
  }
}
