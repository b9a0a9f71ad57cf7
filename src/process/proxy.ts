/**
 * The worker's HTTP proxy for confined processes: the only way out of a network namespace that has none.
 *
 * It owns a listening socket for each process tree, below the room's folder. Kept true (N4): a connection goes to an
 * address that was looked up and judged here, never to a name that is looked up again; so nothing of this machine is
 * reached that the project has not named.
 */

import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, isIP, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../core/thrown.ts';
import { isAlive } from '../files/living.ts';
import { makeTemporary } from '../files/temporary.ts';
import { destinationOf, whyNotAddress, whyNotNamed, type Destination, type Refusal } from './addresses.ts';
import { createForwarder, type Found } from './forward.ts';
import { handOn } from './hand-on.ts';
import type { RefusedHost } from './types.ts';

const CONNECT_LIMIT_MS = 20_000;
/** A tunnel in which nothing moves for this long is closed. */
const SILENT_LIMIT_MS = 15 * 60_000;
/** Of one tree; what it takes of them, no other is short of. */
const MAX_CONNECTIONS = 256;
/** Of the 107 that a socket's path can have. */
const MAX_FOLDER_BYTES = 85;
/** Of what was refused to those with the same hosts the latest is known. */
const MAX_REFUSALS = 100;
const MAX_TOLD = 3;
const MAX_REASON_CHARS = 200;

/** One tree's; closed when that has ended. */
export interface Way {
  /** The path of the socket that leads to the proxy. */
  readonly socket: string;
  /** Lets nobody through from the call on. Who does not wait for the rest leaves that to {@link Proxies.close}. */
  close(): Promise<void>;
}

export interface Proxies {
  /** Opens a way to these hosts. */
  open(hosts: readonly string[]): Promise<Way>;
  /** What was refused of those that these hosts are let through to, and why, by the process's clock: each once, the first ones. */
  refused(hosts: readonly string[], sinceMs: number): readonly RefusedHost[];
  close(): Promise<void>;
}

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly { readonly address: string }[]>;

const bySystem: Resolve = (name) => lookup(name, { all: true });

/** @param wanted the folder for the sockets; where its path is too long for a Unix socket's, another one is made */
export function createProxies(wanted: string, resolve: Resolve = bySystem): Proxies {
  const folder = Buffer.byteLength(wanted) <= MAX_FOLDER_BYTES ? wanted : makeTemporary('tributary-');
  removeDead(folder);
  const ways = new Set<Way>();
  const refusals = new Map<string, Told[]>();
  return {
    refused(hosts, sinceMs) {
      const since = (refusals.get(keyOf(hosts)) ?? []).filter(({ atMs }) => atMs >= sinceMs);
      const each = new Map(since.map(({ refused }) => [refused.told, refused]));
      return [...each.values()].slice(0, MAX_TOLD);
    },
    async open(hosts) {
      const key = keyOf(hosts);
      const told = refusals.get(key) ?? [];
      refusals.set(key, told);
      const socket = join(folder, `${process.pid}-${randomBytes(4).toString('hex')}.sock`);
      const ended = new AbortController();
      const stop = await listen(socket, { hosts, resolve: inTurn(resolve, ended.signal), told });
      let closing: Promise<void> | null = null;
      const close = async (): Promise<void> => {
        ended.abort();
        await stop();
        ways.delete(way);
      };
      const way: Way = { socket, close: () => (closing ??= close()) };
      ways.add(way);
      return way;
    },
    async close() {
      for (const way of ways) await way.close();
      if (folder !== wanted) rmSync(folder, { recursive: true, force: true });
    },
  };
}

/**
 * One name after the other, each asked for once at a time: the system looks up very few at once, for all of the worker, and
 * one whose server answers slowly is not to keep the others from it.
 */
function inTurn(resolve: Resolve, ended: AbortSignal): Resolve {
  const asked = new Map<string, ReturnType<Resolve>>();
  let last: Promise<unknown> = Promise.resolve();
  const lookUp = (name: string): ReturnType<Resolve> => {
    ended.throwIfAborted();
    return resolve(name);
  };
  return (name) => {
    const known = asked.get(name);
    if (known !== undefined) return known;
    const found = last.then(() => lookUp(name)).finally(() => asked.delete(name));
    asked.set(name, found);
    last = found.catch(() => undefined);
    return found;
  };
}

function keyOf(hosts: readonly string[]): string {
  return JSON.stringify([...hosts].toSorted());
}

/** What workers have left that were killed. */
function removeDead(folder: string): void {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const pid = /^(\d+)-[0-9a-f]+\.sock$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid), '')) rmSync(join(folder, name), { force: true });
  }
}

function removeOwn(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Nobody listens there any more, and the next worker takes it away.
  }
}

/** What may be reached, and who knows where it is. */
interface Reach {
  readonly hosts: readonly string[];
  readonly resolve: Resolve;
  /** What was refused, in its order. */
  readonly told: Told[];
}

interface Told {
  readonly atMs: number;
  readonly refused: RefusedHost;
}

/** @returns what ends it */
async function listen(path: string, reach: Reach): Promise<() => Promise<void>> {
  mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 });
  rmSync(path, { force: true });
  const forwarder = createForwarder((to) => addressOf(reach, to), { silentMs: SILENT_LIMIT_MS, most: MAX_CONNECTIONS });
  const server = createServer((request, response) => void forwarder.forward(request, response));
  // An upload may take its time; who is silent is cut off.
  server.requestTimeout = 0;
  server.maxConnections = MAX_CONNECTIONS;
  const clients = new Set<Socket>();
  server.on('connection', (client) => {
    clients.add(client);
    client.once('close', () => {
      clients.delete(client);
      forwarder.giveUp(client);
    });
  });
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    void tunnel(reach, request, client, head);
  });
  await new Promise<void>((listening, reject) => {
    server.once('error', reject);
    server.listen(path, listening);
  });
  // Of a connection that could not be taken, which is no reason for the worker to end.
  server.on('error', () => undefined);
  return async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    // A tunnel is no connection of HTTP any more, and its other side may never end it.
    for (const client of clients) client.destroy();
    await closed;
    forwarder.close();
    removeOwn(path);
  };
}

/** Where it is; or, with what to say, that it may not be reached. */
async function addressOf(reach: Reach, to: Destination | null): Promise<Found<string>> {
  const found = await judged(reach, to);
  if (!('refused' in found)) return found;
  const refused = inAscii(found.refused.why);
  const where = to === null ? '' : `${to.host}:${to.port}: `;
  const told = { told: `${where}${refused}`, lacks: found.refused.lacks };
  reach.told.push({ atMs: performance.now(), refused: told });
  if (reach.told.length > MAX_REFUSALS) reach.told.shift();
  return { refused };
}

/** As it may stand in a status line, which is all that many programs show of an answer. */
function inAscii(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, MAX_REASON_CHARS);
}

async function judged({ hosts, resolve }: Reach, to: Destination | null): Promise<Found<Refusal>> {
  if (to === null) return notByName('this is no host and port');
  const unnamed = whyNotNamed(hosts, to);
  if (unnamed !== null) return { refused: unnamed };
  try {
    const found = isIP(to.host) === 0 ? await resolve(to.host) : [{ address: to.host }];
    const reasons = found.map(({ address }) => whyNotAddress(hosts, to, address));
    const usable = found[reasons.indexOf(null)];
    if (usable !== undefined) return { address: usable.address };
    const [first = null] = reasons;
    return first === null ? notByName(`${to.host} has no address`) : { refused: first };
  } catch (error) {
    return notByName(`${to.host} was not found: ${messageOf(error)}`);
  }
}

/** Also where it is named it cannot be reached. */
function notByName(why: string): { readonly refused: Refusal } {
  return { refused: { why, lacks: null } };
}

async function tunnel(reach: Reach, request: IncomingMessage, client: Duplex, head: Buffer): Promise<void> {
  client.on('error', () => client.destroy());
  const to = destinationOf(request.url ?? '', 443);
  const found = await addressOf(reach, to);
  // It was given up meanwhile: nobody would close what is opened for it now.
  if (client.destroyed) return;
  if ('refused' in found || to === null) {
    const why = 'refused' in found ? found.refused : '';
    client.end(`HTTP/1.1 403 Refused: ${why}\r\nContent-Type: text/plain\r\n\r\n${why}\n`);
    return;
  }
  const upstream = connect({ host: found.address, port: to.port, timeout: CONNECT_LIMIT_MS });
  const fail = (why: string): void => {
    if (!client.writableEnded) client.end(`HTTP/1.1 502 Bad Gateway\r\n\r\n${why}\n`);
    upstream.destroy();
  };
  let isOpen = false;
  upstream.once('timeout', () => (isOpen ? upstream.destroy() : fail('no answer in time')));
  upstream.once('error', (error) => (isOpen ? client.destroy() : fail(error.message)));
  // Once it is open, each is told of the other's end by what is handed on.
  client.once('close', () => (isOpen ? undefined : upstream.destroy()));
  upstream.once('connect', () => {
    isOpen = true;
    upstream.setTimeout(SILENT_LIMIT_MS);
    // Also of one that reads no more what is still to come when the other has closed.
    if (client instanceof Socket) client.setTimeout(SILENT_LIMIT_MS, () => client.destroy());
    client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    if (head.length > 0) upstream.write(head);
    handOn(client, upstream);
    handOn(upstream, client);
  });
}
