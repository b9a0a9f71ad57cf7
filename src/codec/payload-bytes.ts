/** Payloads as bytes, in Temporal's own form (`temporal.api.common.v1.Payload`), which is what is encrypted. */

import type { Payload } from '@temporalio/common';
import protobuf from 'protobufjs/minimal.js';

/** The tags of the message's fields and of a map's entry: the field's number, and that its length follows. */
const METADATA = (1 << 3) | 2;
const DATA = (2 << 3) | 2;
const ENTRY_KEY = METADATA;
const ENTRY_VALUE = DATA;

export function payloadToBytes({ metadata, data }: Payload): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [key, value] of Object.entries(metadata ?? {})) {
    writer.uint32(METADATA).fork().uint32(ENTRY_KEY).string(key).uint32(ENTRY_VALUE).bytes(value).ldelim();
  }
  if (data != null && data.length > 0) writer.uint32(DATA).bytes(data);
  return writer.finish();
}

/** @throws when they are none */
export function payloadFromBytes(bytes: Uint8Array): Payload {
  const reader = protobuf.Reader.create(bytes);
  const metadata: (readonly [key: string, value: Uint8Array])[] = [];
  let data: Uint8Array = new Uint8Array();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === METADATA) metadata.push(readEntry(reader));
    else if (tag === DATA) data = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return { metadata: Object.fromEntries(metadata), data };
}

function readEntry(reader: protobuf.Reader): readonly [key: string, value: Uint8Array] {
  const end = reader.uint32() + reader.pos;
  let key = '';
  let value: Uint8Array = new Uint8Array();
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === ENTRY_KEY) key = reader.string();
    else if (tag === ENTRY_VALUE) value = reader.bytes();
    else reader.skipType(tag & 7);
  }
  return [key, value];
}
