/** What payloads of this command's client go through: the codec of this machine's host.yaml, looked up when one does. */

import type { Payload, PayloadCodec } from '@temporalio/common';
import { openCodec, type EncryptionCodec } from '../codec/encryption-codec.ts';
import { lazyCodec } from '../codec/lazy-codec.ts';
import type { EncryptionKeys } from '../config/encryption.ts';
import { readEncryptionKeys } from '../config/encryption-keys.ts';
import type { Environment } from '../config/environment.ts';
import { UsageError } from './errors.ts';
import type { Temporal } from './temporal.ts';

/** The keys that host.yaml names. @throws UsageError when one cannot be had */
export async function requireKeys(environment: Environment): Promise<EncryptionKeys> {
  const keys = await readEncryptionKeys(environment);
  if (keys.kind === 'invalid') throw new UsageError(keys.message);
  return keys.value;
}

/** The codec of these keys. @throws UsageError when one is none */
export function requireCodec(keys: EncryptionKeys): EncryptionCodec {
  const codec = openCodec(keys);
  if (codec.kind === 'invalid') throw new UsageError(codec.message);
  return codec.value;
}

export function payloadCodec(environment: Environment): PayloadCodec {
  return lazyCodec(async () => requireCodec(await requireKeys(environment)));
}

/** A payload of a history, which comes as it is kept. @throws UnreadablePayload */
export async function readPayload<T>({ client }: Temporal, payload: Payload): Promise<T> {
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  let payloads = [payload];
  for (const codec of payloadCodecs.toReversed()) payloads = await codec.decode(payloads);
  return payloadConverter.fromPayload<T>(payloads[0] ?? payload);
}
