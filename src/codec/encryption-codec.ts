/**
 * Encrypts what Temporal keeps of tasks (N10): each payload by AES-256-GCM, with a nonce of its own and the key's id beside
 * it. The form is that of Temporal's own examples.
 *
 * Kept true: the first key encrypts and all decrypt; what is not encrypted passes as it is, so that encryption can be
 * switched on with tasks in flight; what cannot be decrypted is an error that names the key and the fix, never bytes that
 * somebody takes for a value.
 */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { quote } from '../core/ids.ts';
import { ok, type Parsed } from '../core/parsed.ts';
import { payloadFromBytes, payloadToBytes } from './payload-bytes.ts';
import { parsePayloadKey, type PayloadKey } from './payload-key.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';

/** A payload that cannot be decrypted here. The message is one line that names the key and the fix. */
export class UnreadablePayload extends Error {
  override readonly name = 'UnreadablePayload';
}

/** What host.yaml says of encryption, its keys looked up. */
export interface KeyTexts {
  /** False: what is encrypted is read, and nothing is encrypted. */
  readonly encrypts: boolean;
  readonly keys: readonly { readonly id: string; readonly text: string }[];
}

/** The codec of these keys; without any it encrypts nothing, and says of each encrypted payload what is missing. */
export function openCodec({ encrypts, keys }: KeyTexts): Parsed<EncryptionCodec> {
  const parsed: PayloadKey[] = [];
  for (const { id, text } of keys) {
    const key = parsePayloadKey(id, text);
    if (key.kind === 'invalid') return key;
    parsed.push(key.value);
  }
  return ok(new EncryptionCodec(parsed, encrypts));
}

export class EncryptionCodec implements PayloadCodec {
  readonly #keys: ReadonlyMap<string, PayloadKey>;
  readonly #first: PayloadKey | null;

  constructor(keys: readonly PayloadKey[], encrypts: boolean) {
    this.#keys = new Map(keys.map((key) => [key.id, key]));
    this.#first = encrypts ? (keys[0] ?? null) : null;
  }

  /** Whether new payloads are encrypted. */
  get encrypts(): boolean {
    return this.#first !== null;
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    const key = this.#first;
    return key === null ? payloads : payloads.map((payload) => encrypt(key, payload));
  }

  /** @throws UnreadablePayload */
  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => (isEncrypted(payload) ? this.#decrypt(payload) : payload));
  }

  #decrypt({ metadata, data }: Payload): Payload {
    const id = textOf(metadata?.[KEY_ID]);
    const key = this.#keys.get(id);
    if (key === undefined) throw new UnreadablePayload(this.#missing(id));
    try {
      return payloadFromBytes(decrypt(key, data ?? new Uint8Array()));
    } catch (error) {
      throw new UnreadablePayload(
        `a payload of this task was encrypted with another key than host.yaml has under the id ${quote(id)}, or was changed since; give the id its right key under encryption.keys and start this again`,
        { cause: error },
      );
    }
  }

  #missing(id: string): string {
    const known = [...this.#keys.keys()].map(quote).join(', ');
    const has = known === '' ? 'host.yaml here has none' : `host.yaml here has ${known}`;
    return `a payload of this task is encrypted with the key ${quote(id)}, and ${has}; add that key under encryption.keys and start this again`;
  }
}

function isEncrypted({ metadata }: Payload): boolean {
  return textOf(metadata?.['encoding']) === ENCODING;
}

function encrypt(key: PayloadKey, payload: Payload): Payload {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key.bytes, nonce, { authTagLength: TAG_BYTES });
  const data = Buffer.concat([
    nonce,
    cipher.update(payloadToBytes(payload)),
    cipher.final(),
    // After the text, as web crypto has it.
    cipher.getAuthTag(),
  ]);
  return { metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(key.id) }, data };
}

function decrypt(key: PayloadKey, data: Uint8Array): Uint8Array {
  if (data.length < NONCE_BYTES + TAG_BYTES) throw new Error('too short');
  const end = data.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key.bytes, data.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(data.subarray(end));
  return Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, end)), decipher.final()]);
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return bytes == null ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
