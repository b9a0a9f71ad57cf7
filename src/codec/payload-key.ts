/** Keys for payloads: 32 random bytes each, which people keep as text. */

import { randomBytes } from 'node:crypto';
import { fail, ok, type Parsed } from '../core/parsed.ts';

const KEY_BYTES = 32;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const HEX = /^[0-9A-Fa-f]{64}$/;

export interface PayloadKey {
  /** Written beside each payload that it has encrypted. */
  readonly id: string;
  readonly bytes: Buffer;
}

/** A new key, in Base64. */
export function newKeyText(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

/** A key from its text, in Base64 or hexadecimal. An error names its id and never its text (N10). */
export function parsePayloadKey(id: string, text: string): Parsed<PayloadKey> {
  const trimmed = text.trim();
  const bytes = HEX.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : BASE64.test(trimmed)
      ? Buffer.from(trimmed, 'base64')
      : null;
  if (bytes === null) {
    return fail(
      `host.yaml: encryption.keys: the key ${id} is not ${KEY_BYTES} bytes in Base64 or hexadecimal; make one with tasks keygen`,
    );
  }
  return ok({ id, bytes });
}
