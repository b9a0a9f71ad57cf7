import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { openCodec, type EncryptionCodec } from '../../src/codec/encryption-codec.ts';
import { newKeyText } from '../../src/codec/payload-key.ts';
import { startCodecServer, type CodecServer } from '../../src/codec/server.ts';
import { eventually } from '../support/eventually.ts';
import { onLinux } from '../support/on-linux.ts';

const UI = 'http://127.0.0.1:8233';
const LIMIT = 4_096;

const codecOf = (id: string): EncryptionCodec => {
  const codec = openCodec({ encrypts: true, keys: [{ id, text: newKeyText() }] });
  if (codec.kind === 'invalid') throw new Error(codec.message);
  return codec.value;
};
const OPEN = { host: '127.0.0.1', port: 0, origins: [UI], onRefused: () => undefined };

/** The ports at the other ends of a server's connections that it has open. */
async function connectionsOf(port: number): Promise<readonly number[]> {
  const local = port.toString(16).toUpperCase().padStart(4, '0');
  const open = new RegExp(`^ *\\d+: [0-9A-F]+:${local} [0-9A-F]+:([0-9A-F]{4}) 01 `, 'gm');
  return Array.from((await readFile('/proc/net/tcp', 'latin1')).matchAll(open), ([, hex = '']) => parseInt(hex, 16));
}

const inJson = (payload: Payload) => ({
  metadata: Object.fromEntries(
    Object.entries(payload.metadata ?? {}).map(([name, bytes]) => [name, Buffer.from(bytes).toString('base64')]),
  ),
  data: Buffer.from(payload.data ?? []).toString('base64'),
});
const payloadOf = (value: unknown): Payload => defaultPayloadConverter.toPayload(value) ?? {};

describe('the codec server', () => {
  const codec = codecOf('one');
  const refused: string[] = [];
  let server: CodecServer;
  let base = '';

  beforeAll(async () => {
    const started = await startCodecServer({
      codec,
      host: '127.0.0.1',
      port: 0,
      origins: [UI],
      onRefused: (origin) => refused.push(origin),
      maxBodyBytes: LIMIT,
    });
    if (started.kind === 'invalid') throw new Error(started.message);
    server = started.value;
    base = `http://127.0.0.1:${server.port}`;
  });

  afterAll(async () => {
    await server.close();
  });

  /** As the Web UI asks. */
  const ask = (way: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${base}${way}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Namespace': 'default', Origin: UI, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const encrypted = async () => (await codec.encode([payloadOf({ secret: 'aubergine' })])).map(inJson);

  it.each(['/decode', '/default/decode', '/decode?x=1'])(
    'decrypts what is posted to %s for the Web UI',
    async (way) => {
      const response = await ask(way, { payloads: [...(await encrypted()), inJson(payloadOf('plain'))] });
      expect(response.status).toBe(200);
      expect(response.headers.get('access-control-allow-origin')).toBe(UI);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(response.headers.get('cache-control')).toBe('no-store');
      expect(response.headers.get('vary')).toBe('Origin');
      expect(await response.json()).toEqual({
        payloads: [payloadOf({ secret: 'aubergine' }), payloadOf('plain')].map(inJson),
      });
    },
  );

  it('encrypts what the Web UI sends, so that only who has the key reads it', async () => {
    const response = await ask('/encode', { payloads: [inJson(payloadOf('sent from the Web UI'))] });
    const text = await response.text();
    expect(Buffer.from(text).toString()).not.toContain(Buffer.from('"sent from the Web UI"').toString('base64'));
    const { payloads } = JSON.parse(text) as { payloads: { metadata: Record<string, string>; data: string }[] };
    expect(Buffer.from(payloads[0]?.metadata['encoding'] ?? '', 'base64').toString()).toBe('binary/encrypted');
    expect(await (await ask('/decode', { payloads })).json()).toEqual({
      payloads: [inJson(payloadOf('sent from the Web UI'))],
    });
  });

  it('answers the preflight of the Web UI, for what it asks to send', async () => {
    const response = await fetch(`${base}/decode`, {
      method: 'OPTIONS',
      headers: {
        Origin: UI,
        'Access-Control-Request-Method': 'POST',
        'Access-Control-Request-Headers': 'content-type,x-namespace',
        'Access-Control-Request-Private-Network': 'true',
      },
    });
    expect(response.status).toBe(204);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'access-control-allow-origin': UI,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': 'content-type,x-namespace',
      'access-control-allow-private-network': 'true',
    });
    expect(await response.text()).toBe('');
  });

  it.each(['http://evil.example', 'null', 'http://127.0.0.1:9999', `${UI}.evil.example`])(
    'gives a page of %s nothing: neither the preflight, nor what it posts',
    async (origin) => {
      const before = refused.length;
      const preflight = await fetch(`${base}/decode`, { method: 'OPTIONS', headers: { Origin: origin } });
      const posted = await ask('/decode', { payloads: await encrypted() }, { Origin: origin });
      for (const response of [preflight, posted]) {
        expect(response.status).toBe(403);
        expect(response.headers.get('access-control-allow-origin')).toBeNull();
        expect(await response.text()).not.toContain(inJson(payloadOf({ secret: 'aubergine' })).data);
      }
      expect(refused.slice(before)).toEqual([origin, origin]);
    },
  );

  it("serves a program that is no browser, such as Temporal's command line", async () => {
    const response = await fetch(`${base}/decode`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
      body: JSON.stringify({ payloads: await encrypted() }),
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('says which key is missing, in the body of the answer', async () => {
    const payloads = (await codecOf('gone').encode([payloadOf('x')])).map(inJson);
    const response = await ask('/decode', { payloads });
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ message: expect.stringMatching(/key "gone".*has "one"; add that key/) });
  });

  it.each([
    ['no JSON', '{', 'the body is no JSON'],
    ['no list', { payloads: 3 }, 'the body has no list of payloads'],
    ['a list of others', { payloads: [{ data: 3 }] }, 'payloads.0 is no payload'],
    ['metadata of others', { payloads: [{ metadata: { encoding: 3 } }] }, 'payloads.0 is no payload'],
  ])('refuses %s by name', async (_what, body, says) => {
    const response = await ask('/decode', body);
    expect(response.status).toBe(400);
    expect(await response.json()).toEqual({ message: expect.stringContaining(says) });
  });

  it('takes payloads without metadata or data, as the protocol leaves out what is empty', async () => {
    expect(await (await ask('/decode', { payloads: [{}] })).json()).toEqual({ payloads: [{ metadata: {}, data: '' }] });
  });

  it.each([
    ['another path', '/secrets', {}, 404],
    [
      'a body that is no JSON by its type, which a page may post unasked',
      '/decode',
      { 'Content-Type': 'text/plain' },
      415,
    ],
  ])('refuses %s', async (_what, way, headers, status) => {
    expect((await ask(way, { payloads: await encrypted() }, headers)).status).toBe(status);
  });

  it('refuses to be read', async () => {
    const response = await fetch(`${base}/decode`);
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, OPTIONS');
  });

  it('takes a body up to its limit, and refuses a larger one, whether or not its size is told', async () => {
    const whole = `{"payloads":[]${' '.repeat(LIMIT - 15)}}`;
    expect((await ask('/decode', whole)).status).toBe(200);
    expect((await ask('/decode', `${whole} `)).status).toBe(413);
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.alloc(LIMIT, 32));
        controller.enqueue(Buffer.alloc(LIMIT, 32));
        controller.close();
      },
    });
    const chunked = await fetch(`${base}/decode`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: stream,
      duplex: 'half',
    });
    expect(chunked.status).toBe(413);
  });

  it('goes on after one that leaves in the middle', async () => {
    const left = await new Promise<boolean>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => {
        socket.write(
          'POST /decode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
        );
        socket.destroy();
      });
      socket.once('close', () => resolve(true));
    });
    expect(left).toBe(true);
    expect((await ask('/decode', { payloads: [] })).status).toBe(200);
  });

  describe('with little patience', () => {
    let hasty: CodecServer;

    beforeAll(async () => {
      const patience = { requestMs: 300, maxBodyBytes: 16 * 1024 * 1024 };
      const started = await startCodecServer({ ...OPEN, codec, ...patience });
      if (started.kind === 'invalid') throw new Error(started.message);
      hasty = started.value;
    });

    afterAll(() => hasty.close());

    const send = (head: string, body: string): Socket => {
      const socket = connect(hasty.port, '127.0.0.1').pause();
      socket.write(`POST /encode HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n${head}\r\n\r\n${body}`);
      return socket;
    };

    it('gives up a request that does not come to its end', async () => {
      const socket = send('Content-Length: 100', '{').resume();
      await once(socket, 'close');
    });

    onLinux('gives up an answer that is not taken', async () => {
      const body = JSON.stringify({ payloads: [{ metadata: {}, data: 'A'.repeat(11 * 1024 * 1024) }] });
      const socket = send(`Content-Length: ${body.length}`, body);
      await once(socket, 'connect');
      const there = async () => (await connectionsOf(hasty.port)).includes(socket.localPort ?? 0);
      await eventually('the request to be there', there);
      await eventually('it to be given up', async () => !(await there()));
      socket.destroy();
    });
  });

  it('says when its port is taken', async () => {
    const other = { codec, host: '127.0.0.1', port: server.port, origins: [], onRefused: () => undefined };
    expect(await startCodecServer(other)).toEqual({
      kind: 'invalid',
      message: `cannot listen on 127.0.0.1:${server.port} (EADDRINUSE); choose another with --port or --host`,
    });
  });
});
