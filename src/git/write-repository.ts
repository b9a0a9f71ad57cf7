/** Writes the engine's repositories, in the layout that gitrepository-layout(5) documents. */

import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from '../core/thrown.ts';
import type { HashAlgorithm } from './objects.ts';

export function configuration(algorithm: HashAlgorithm, bare: boolean, extra: readonly string[] = []): string {
  const sha256 = algorithm === 'sha256';
  return `${[
    '[core]',
    `\trepositoryformatversion = ${sha256 ? 1 : 0}`,
    '\tfilemode = true',
    `\tbare = ${bare}`,
    '\tlogallrefupdates = false',
    ...(sha256 ? ['[extensions]', '\tobjectformat = sha256'] : []),
    ...extra,
  ].join('\n')}\n`;
}

// What an agent's own git sees: no automatic packing under the engine's feet, and a name to commit under.
export const MIRROR_EXTRA = [
  '[gc]',
  '\tauto = 0',
  '[maintenance]',
  '\tauto = false',
  '[user]',
  '\tname = Tributary agent',
  '\temail = tributary@localhost',
];

/** Writes an empty repository, complete before it gets its name. */
export async function writeRepository(folder: string, head: string, config: string): Promise<void> {
  const temporary = `${folder}.${randomBytes(6).toString('hex')}.new`;
  for (const part of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tasks', 'info']) {
    await mkdir(join(temporary, part), { recursive: true });
  }
  await writeFile(join(temporary, 'HEAD'), `ref: refs/heads/${head}\n`);
  await writeFile(join(temporary, 'config'), config);
  await rename(temporary, folder).catch(async (error: unknown) => {
    await rm(temporary, { recursive: true, force: true });
    if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
  });
}

export function bareConfiguration(algorithm: HashAlgorithm = 'sha1'): string {
  return configuration(algorithm, true);
}

/** The mirror that the engine's side of it belongs to. */
export function mirrorFolder(engineFolder: string): string {
  return engineFolder.replace(/\.engine$/, '.git');
}
