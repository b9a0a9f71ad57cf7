import { describe, expect, it } from '@jest/globals';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { array, assert, asyncProperty, dictionary, record, string, uint8Array } from 'fast-check';
import { EncryptionCodec, openCodec, UnreadablePayload } from '../../src/codec/encryption-codec.ts';
import { newKeyText, parsePayloadKey, type PayloadKey } from '../../src/codec/payload-key.ts';

const keyOf = (id: string, text = newKeyText()): PayloadKey => {
  const key = parsePayloadKey(id, text);
  if (key.kind === 'invalid') throw new Error(key.message);
  return key.value;
};
const ONE = keyOf('one');
const TWO = keyOf('two');
const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value) ?? {};
const valueOf = (payload: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(payload ?? {});
const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('latin1');

const encrypted = (): Promise<Payload[]> =>
  new EncryptionCodec([ONE], true).encode([payloadOf({ secret: 'aubergine' })]);

/** `temporal.api.common.v1.Payload` of the text x, as Temporal's own code writes it. */
const MESSAGE = '\n\u0016\n\bencoding\u0012\njson/plain\u0012\u0003"x"';

describe('the codec', () => {
  it('gives back what it has encrypted, whatever it was', async () => {
    const codec = new EncryptionCodec([ONE], true);
    const bytes = uint8Array({ maxLength: 300 });
    await assert(
      asyncProperty(
        array(record({ metadata: dictionary(string(), bytes), data: bytes }), { maxLength: 4 }),
        async (payloads) => {
          const decoded = await codec.decode(await codec.encode(payloads));
          expect(decoded.map(plain)).toEqual(payloads.map(plain));
        },
      ),
    );
  });

  it('leaves nothing of the payload to be seen, and never encrypts the same alike', async () => {
    const codec = new EncryptionCodec([ONE], true);
    const payload = payloadOf({ secret: 'aubergine' });
    const [first, second] = await codec.encode([payload, payload]);
    expect(first?.metadata).toEqual({
      encoding: Buffer.from('binary/encrypted'),
      'encryption-key-id': Buffer.from('one'),
    });
    expect(textOf(first?.data)).not.toContain('aubergine');
    expect(textOf(first?.data)).not.toContain('json/plain');
    expect(textOf(first?.data)).not.toBe(textOf(second?.data));
    expect(textOf(first?.data?.subarray(0, 12))).not.toBe(textOf(second?.data?.subarray(0, 12)));
  });

  it("has the form of Temporal's examples: nonce, AES-GCM of the message, tag", async () => {
    const codec = new EncryptionCodec([ONE], true);
    const [payload] = await codec.encode([payloadOf('x')]);
    const data = Buffer.from(payload?.data ?? []);
    const decipher = createDecipheriv('aes-256-gcm', ONE.bytes, data.subarray(0, 12), { authTagLength: 16 });
    decipher.setAuthTag(data.subarray(-16));
    const message = Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()]);
    expect(message.toString('latin1')).toBe(MESSAGE);
  });

  it('reads messages as Temporal writes them, fields that it does not know included', async () => {
    const codec = new EncryptionCodec([ONE], true);
    const message = `${MESSAGE}\u001a\u0002\u0008\u0005`;
    // Encrypted by hand: a nonce of zeros is good enough for one message.
    const cipher = createCipheriv('aes-256-gcm', ONE.bytes, Buffer.alloc(12), { authTagLength: 16 });
    const data = Buffer.concat([
      Buffer.alloc(12),
      cipher.update(message, 'latin1'),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    const metadata = { encoding: Buffer.from('binary/encrypted'), 'encryption-key-id': Buffer.from('one') };
    expect((await codec.decode([{ metadata, data }])).map(valueOf)).toEqual(['x']);
  });

  it('passes what is not encrypted as it is, so that it can be switched on at any time', async () => {
    const codec = new EncryptionCodec([ONE], true);
    const payloads = [payloadOf('plain'), {}, { metadata: { encoding: Buffer.from('binary/other') } }];
    expect(await codec.decode(payloads)).toEqual(payloads);
  });

  it('encrypts with the first key and reads with each', async () => {
    const before = await new EncryptionCodec([ONE], true).encode([payloadOf('old')]);
    const rotated = new EncryptionCodec([TWO, ONE], true);
    const after = await rotated.encode([payloadOf('new')]);
    expect(textOf(after[0]?.metadata?.['encryption-key-id'])).toBe('two');
    expect((await rotated.decode([...before, ...after])).map(valueOf)).toEqual(['old', 'new']);
  });

  it('with encrypt: false reads and encrypts nothing', async () => {
    const old = await new EncryptionCodec([ONE], true).encode([payloadOf('x')]);
    const reading = new EncryptionCodec([ONE], false);
    expect(reading.encrypts).toBe(false);
    expect(await reading.encode([payloadOf('x')])).toEqual([payloadOf('x')]);
    expect((await reading.decode(old)).map(valueOf)).toEqual(['x']);
  });

  it.each([
    [
      'no key',
      new EncryptionCodec([], false),
      /encrypted with the key "one", and host\.yaml here has none; add that key/,
    ],
    ['another key', new EncryptionCodec([TWO], true), /key "one", and host\.yaml here has "two"; add that key/],
    ['another key by that name', new EncryptionCodec([keyOf('one')], true), /another key than .* under the id "one"/],
  ])('with %s says which one is missing and what to do, in one line without a value', async (_what, codec, says) => {
    const error: unknown = await codec.decode(await encrypted()).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UnreadablePayload);
    const { message } = error as Error;
    expect(message).toMatch(says);
    expect(message).toContain('encryption.keys');
    expect(message).not.toMatch(/aubergine|\n/);
  });

  it.each([0, 5, 12, 20, -1])('refuses what was changed at byte %d, or cut there', async (at) => {
    const codec = new EncryptionCodec([ONE], true);
    const [payload] = await encrypted();
    const changed = Buffer.from(payload?.data ?? []);
    changed[at < 0 ? changed.length + at : at] = (changed.at(at) ?? 0) ^ 1;
    for (const data of [changed, Buffer.from(payload?.data ?? []).subarray(0, at)]) {
      await expect(codec.decode([{ ...payload, data }])).rejects.toThrow(UnreadablePayload);
    }
  });
});

function plain({ metadata, data }: Payload): object {
  const entries = Object.entries(metadata ?? {}).map(([key, value]) => [key, textOf(value)] as const);
  return { metadata: entries.toSorted(([one], [other]) => (one < other ? -1 : 1)), data: textOf(data) };
}

describe('a key', () => {
  it('is 32 bytes in Base64, as openssl rand makes them too, or in hexadecimal', () => {
    const { bytes } = keyOf('made');
    expect(bytes).toHaveLength(32);
    for (const text of [
      bytes.toString('base64'),
      bytes.toString('base64url'),
      bytes.toString('hex'),
      ` ${bytes.toString('hex').toUpperCase()}\n`,
    ]) {
      expect(keyOf('same', text).bytes.equals(bytes)).toBe(true);
    }
    expect(newKeyText()).not.toBe(newKeyText());
  });

  it.each(['', 'hunter2', newKeyText().slice(4), `${newKeyText()}AAAA`, 'z'.repeat(64)])(
    'is refused when it is %j, by its id and without its text',
    (text) => {
      const opened = openCodec({ encrypts: true, keys: [{ id: 'one', text }] });
      expect(opened).toEqual({
        kind: 'invalid',
        message:
          'host.yaml: encryption.keys: the key one is not 32 bytes in Base64 or hexadecimal; make one with tasks keygen',
      });
    },
  );
});
