/** The keys that host.yaml names, looked up. */

import { fail, ok, type Parsed } from '../core/parsed.ts';
import type { Encryption } from './encryption-schema.ts';
import { resolveSecret } from './secrets.ts';

export interface EncryptionKeys {
  /** False: what is encrypted is read, and nothing is encrypted. */
  readonly encrypts: boolean;
  /** As they are written down. Not to be shown (N10). */
  readonly keys: readonly { readonly id: string; readonly text: string }[];
}

export const NO_KEYS: EncryptionKeys = { encrypts: false, keys: [] };

/** Of a host.yaml that is at hand. An error names the key's id and the reference's fault, never a value (N10). */
export async function resolveEncryption(
  encryption: Encryption | null,
  source: Readonly<Record<string, string | undefined>>,
): Promise<Parsed<EncryptionKeys>> {
  if (encryption === null) return ok(NO_KEYS);
  const keys: { readonly id: string; readonly text: string }[] = [];
  for (const { id, from } of encryption.keys) {
    const text = await resolveSecret(from, source, 'there is');
    if (text.kind === 'invalid') return fail(`host.yaml: encryption.keys: the key ${id}: ${text.message}`);
    keys.push({ id, text: text.value });
  }
  return ok({ encrypts: encryption.encrypts, keys });
}
