/**
 * The keys of this machine's host.yaml. Each command that talks to Temporal asks for them, so that where nothing is
 * encrypted no more than the file's text is looked at.
 */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ok, type Parsed } from '../core/parsed.ts';
import { codeOf } from '../core/thrown.ts';
import { NO_KEYS, resolveEncryption, type EncryptionKeys } from './encryption.ts';
import type { Environment } from './environment.ts';

/** None when host.yaml has none. An error is one line with the fix. */
export async function readEncryptionKeys({
  home,
  all,
}: Pick<Environment, 'home' | 'all'>): Promise<Parsed<EncryptionKeys>> {
  try {
    const text = await readFile(join(home, 'host.yaml'), 'utf8');
    if (!text.includes('encryption')) return ok(NO_KEYS);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return ok(NO_KEYS);
  }
  // One that cannot be read is told by it, too.
  const { readHostFile } = await import('./host-file.ts');
  const host = await readHostFile(home);
  return host.kind === 'invalid' ? host : resolveEncryption(host.value.encryption, all);
}
