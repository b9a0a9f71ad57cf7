/**
 * The codec server: lets the Temporal Web UI and `temporal` show what is encrypted, by Temporal's protocol for remote codecs
 * (POST /encode and /decode, payloads as JSON).
 *
 * It owns the listening socket. Kept true: a page of another origin than those that are named gets nothing decrypted, also
 * where a browser would not let it read the answer; bodies, connections and times are bounded.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { PayloadCodec } from '@temporalio/common';
import { quote } from '../core/ids.ts';
import { fail, ok, type Parsed } from '../core/parsed.ts';
import { codeOf, messageOf } from '../core/thrown.ts';
import { UnreadablePayload } from './encryption-codec.ts';
import { payloadsFromJson, payloadsToJson } from './payload-json.ts';

/** A page of a history is a few megabytes at the most. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const MAX_CONNECTIONS = 64;
const REQUEST_MS = 10_000;
const IDLE_MS = 5_000;
const PREFLIGHT_SECONDS = 600;

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  readonly host: string;
  /** 0: any. */
  readonly port: number;
  /** Of pages that may ask, such as `http://127.0.0.1:8233`. */
  readonly origins: readonly string[];
  /** Told of an origin that was refused. */
  readonly onRefused: (origin: string) => void;
  readonly maxBodyBytes?: number;
  /** How long a request may take to come, and its answer to be taken, in milliseconds. */
  readonly requestMs?: number;
}

export interface CodecServer {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens; an error says why it cannot. */
export async function startCodecServer(options: CodecServerOptions): Promise<Parsed<CodecServer>> {
  const { requestMs = REQUEST_MS } = options;
  // Node looks for requests that take too long but twice a minute otherwise.
  const server = createServer({ connectionsCheckingInterval: requestMs / 10 }, (request, response) => {
    answer(options, request).then(
      (reply) => send(response, reply),
      (error: unknown) => send(response, { status: 500, headers: {}, body: { message: messageOf(error) } }),
    );
  });
  server.requestTimeout = requestMs;
  server.headersTimeout = requestMs;
  // Of who does not take the answer: what is decrypted would be kept in memory, and the connection from others.
  server.timeout = requestMs;
  server.keepAliveTimeout = IDLE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  const { host, port } = options;
  try {
    await listen(server, host, port);
  } catch (error) {
    const code = codeOf(error);
    if (code === null) throw error;
    return fail(`cannot listen on ${host}:${port} (${code}); choose another with --port or --host`);
  }
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a listening socket has no port');
  return ok({ port: address.port, close: () => close(server) });
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: none. */
  readonly body: object | null;
}

/** With a namespace before it, as `temporal --codec-endpoint http://…/{namespace}` asks. */
const PATH = /^(?:\/[^/?]+)?\/(encode|decode)(?:\?.*)?$/;

async function answer(options: CodecServerOptions, request: IncomingMessage): Promise<Reply> {
  const { origin } = request.headers;
  // A program that is no browser names none. A browser does with each POST, also of a page that posts to itself.
  if (origin !== undefined && !options.origins.includes(origin)) {
    options.onRefused(origin);
    return refusal(403, {}, `pages of ${quote(origin)} are not served; if it is your Web UI, name it with --origin`);
  }
  const headers = crossOrigin(request);
  const way = PATH.exec(request.url ?? '')?.[1];
  if (way === undefined) return refusal(404, headers, 'there is /encode and /decode');
  if (request.method === 'OPTIONS') return { status: 204, headers: { ...headers, ...preflight(request) }, body: null };
  if (request.method !== 'POST') return refusal(405, { ...headers, Allow: 'POST, OPTIONS' }, 'ask by POST');
  if (!/^application\/json\s*(?:;|$)/i.test(request.headers['content-type'] ?? '')) {
    return refusal(415, headers, 'send application/json');
  }
  const limit = options.maxBodyBytes ?? MAX_BODY_BYTES;
  const text = await readBody(request, limit);
  if (text === null) return refusal(413, { ...headers, Connection: 'close' }, `send at most ${limit} bytes`);
  const payloads = payloadsFromJson(text);
  if (payloads.kind === 'invalid') return refusal(400, headers, payloads.message);
  try {
    const { codec } = options;
    const done = way === 'encode' ? await codec.encode(payloads.value) : await codec.decode(payloads.value);
    return { status: 200, headers, body: payloadsToJson(done) };
  } catch (error) {
    if (error instanceof UnreadablePayload) return refusal(400, headers, error.message);
    throw error;
  }
}

function refusal(status: number, headers: Readonly<Record<string, string>>, message: string): Reply {
  return { status, headers, body: { message } };
}

function crossOrigin({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const { origin } = headers;
  if (origin === undefined) return { Vary: 'Origin' };
  // With credentials, for who has put something before this that knows people by a cookie.
  return { Vary: 'Origin', 'Access-Control-Allow-Origin': origin, 'Access-Control-Allow-Credentials': 'true' };
}

/** What a browser asks for before it lets a page post: the Web UI sends its namespace, and a token where it is told to. */
function preflight({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const asked = headers['access-control-request-headers'] ?? '';
  return {
    'Access-Control-Allow-Methods': 'POST',
    'Access-Control-Allow-Headers': /^[\w, -]{1,500}$/.test(asked) ? asked : 'content-type, x-namespace, authorization',
    'Access-Control-Max-Age': String(PREFLIGHT_SECONDS),
    // A Web UI on a public address that asks one on loopback.
    ...(headers['access-control-request-private-network'] === 'true'
      ? { 'Access-Control-Allow-Private-Network': 'true' }
      : {}),
  };
}

/** Null when there is more than the limit; what is beyond is not read. */
function readBody(request: IncomingMessage, limit: number): Promise<string | null> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      resolve(null);
      return;
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= limit) chunks.push(chunk);
      else {
        // Destroyed it would take the answer along.
        request.pause();
        resolve(null);
      }
    });
    request.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the request ended early')));
  });
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  if (response.destroyed) return;
  const text = body === null ? '' : JSON.stringify(body);
  response.writeHead(status, {
    ...headers,
    ...(body === null ? {} : { 'Content-Type': 'application/json' }),
    'Content-Length': Buffer.byteLength(text),
    // What was decrypted is for who asked alone.
    'Cache-Control': 'no-store',
  });
  response.end(text);
}
