/** The codec of the test engine's host.yaml, as the command line and the worker make it. */

import { resolve } from 'node:path';
import type { PayloadCodec } from '@temporalio/common';
import { openCodec, type EncryptionCodec } from '../../src/codec/encryption-codec.ts';
import { resolveEncryption } from '../../src/config/encryption.ts';
import { parseHostFile } from '../../src/config/host-file.ts';

/** The built module that encodes the messages of failures. */
export const FAILURE_CONVERTER = resolve('dist/worker/failure-converter.cjs');

/** @throws when the text or a key in it is wrong */
export async function codecOf(hostFile: string): Promise<EncryptionCodec> {
  const host = parseHostFile(hostFile);
  if (host.kind === 'invalid') throw new Error(host.message);
  const keys = await resolveEncryption(host.value.encryption, process.env);
  if (keys.kind === 'invalid') throw new Error(keys.message);
  const codec = openCodec(keys.value);
  if (codec.kind === 'invalid') throw new Error(codec.message);
  return codec.value;
}

/** Reads host.yaml anew for each use. */
export function codecBy(hostFile: () => string): PayloadCodec {
  return {
    encode: async (payloads) => (await codecOf(hostFile())).encode(payloads),
    decode: async (payloads) => (await codecOf(hostFile())).decode(payloads),
  };
}
