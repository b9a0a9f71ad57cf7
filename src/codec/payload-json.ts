/** Payloads as the protocol of remote codecs has them: JSON, with bytes in Base64. */

import type { Payload } from '@temporalio/common';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { isRecord } from '../core/text.ts';

/** Those of a body `{"payloads": [{"metadata": {…}, "data": …}]}`. */
export function payloadsFromJson(text: string): Parsed<Payload[]> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return fail('the body is no JSON');
  }
  const listed: unknown = isRecord(body) ? body['payloads'] : null;
  if (!Array.isArray(listed)) return fail('the body has no list of payloads');
  const payloads: Payload[] = [];
  for (const [index, each] of (listed as readonly unknown[]).entries()) {
    const payload = payloadOf(each);
    if (payload === null) return fail(`payloads.${index} is no payload: it has metadata and data, in Base64`);
    payloads.push(payload);
  }
  return ok(payloads);
}

function payloadOf(value: unknown): Payload | null {
  if (!isRecord(value)) return null;
  const { metadata = {}, data = '' } = value;
  if (!isRecord(metadata) || typeof data !== 'string') return null;
  const entries: (readonly [name: string, bytes: Uint8Array])[] = [];
  for (const [name, text] of Object.entries(metadata)) {
    if (typeof text !== 'string') return null;
    entries.push([name, Buffer.from(text, 'base64')]);
  }
  return { metadata: Object.fromEntries(entries), data: Buffer.from(data, 'base64') };
}

export function payloadsToJson(payloads: readonly Payload[]): object {
  return {
    payloads: payloads.map(({ metadata, data }) => ({
      metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, bytes]) => [name, base64(bytes)])),
      data: base64(data ?? new Uint8Array()),
    })),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
