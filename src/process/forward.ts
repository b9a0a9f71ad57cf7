/**
 * Plain HTTP through the worker's proxy, for one process tree.
 *
 * It owns the connections to hosts that the tree's requests are sent on. Kept true: they are as many as the tree may have
 * itself, however many pages it asks for at once; none is another tree's; none stays when who asked has gone.
 */

import {
  Agent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';

import { messageOf } from '../core/thrown.ts';
import { destinationOf, type Destination } from './addresses.ts';

export type Found<Why> = { readonly address: string } | { readonly refused: Why };

interface Bounds {
  /** A host that says nothing for this long is given up. */
  readonly silentMs: number;
  /** Of connections to hosts. */
  readonly most: number;
}

export interface Forwarder {
  forward(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Ends all that was asked for on a connection that has gone. */
  giveUp(client: Socket): void;
  close(): void;
}

/** Requests on one connection that wait for their answers; no program sends half of that ahead. */
const MAX_WAITING = 32;
/** A host's connection that nothing is asked on is kept for this long. */
const KEPT_MS = 5_000;
const HOP_BY_HOP = ['proxy-connection', 'proxy-authorization', 'connection', 'keep-alive', 'te', 'trailer', 'upgrade'];
/** Of these nobody can say that they are for the next neighbour alone. */
const FOR_ALL = ['host', 'content-length', 'transfer-encoding'];

/** One request: what ends it. */
interface Exchange {
  end: () => void;
}

export function createForwarder(
  find: (to: Destination | null) => Promise<Found<string>>,
  { silentMs, most }: Bounds,
): Forwarder {
  const agent = new Agent({ keepAlive: true, scheduling: 'lifo', timeout: KEPT_MS, maxTotalSockets: most });
  const waiting = new Map<Socket, Set<Exchange>>();

  /** Null: it is one too many. */
  const begin = (client: Socket, response: ServerResponse): Exchange | null => {
    const all = waiting.get(client) ?? new Set();
    if (all.size >= MAX_WAITING) return null;
    const exchange: Exchange = { end: () => undefined };
    waiting.set(client, all.add(exchange));
    response.once('close', () => {
      all.delete(exchange);
      exchange.end();
    });
    return exchange;
  };

  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = request.socket.destroyed ? null : begin(request.socket, response);
    if (exchange === null) return void request.socket.destroy();
    const refuse = (code: number, why: string): void => {
      // An answer that is cut off must not look like one that is whole.
      if (response.headersSent) return void response.destroy();
      const reason = code === 403 ? [`Refused: ${why}`] : [];
      response.writeHead(code, ...reason, { 'content-type': 'text/plain' }).end(`${why}\n`);
    };
    // In the absolute form that proxies are sent.
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : null;
    const to = url?.protocol === 'http:' ? destinationOf(url.host, 80) : null;
    const found = await find(to);
    // It was given up meanwhile: what is opened for it now nobody would close, and there is no end to how many that can be.
    if (request.socket.destroyed) return;
    if ('refused' in found || url === null || to === null) return refuse(403, 'refused' in found ? found.refused : '');
    const { address: host } = found;
    const path = `${url.pathname}${url.search}`;
    // One host can be many by what it is called: only the one that was judged is asked.
    const headers = { ...handedOn(request.headers), host: url.host };
    const { method } = request;
    const sent = httpRequest({ host, port: to.port, method, path, headers, timeout: silentMs, agent });
    exchange.end = () => void sent.destroy();
    sent.once('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', (error) => refuse(502, error.message));
    // One that was to speak another protocol says nothing more, and fails in nothing.
    sent.once('close', () => (response.headersSent ? undefined : refuse(502, 'no answer')));
    sent.once('response', (answer) => {
      try {
        response.writeHead(answer.statusCode ?? 0, handedOn(answer.headers));
      } catch (error) {
        // Whatever a server may say, such as a status of 99, is no reason for the worker to end.
        return refuse(502, messageOf(error));
      }
      answer.pipe(response);
      answer.once('close', () => {
        if (!answer.complete) response.destroy();
      });
    });
    request.pipe(sent);
  };

  return {
    forward,
    giveUp(client) {
      // An answer that waits behind others is never told that its connection has gone.
      for (const exchange of waiting.get(client) ?? []) exchange.end();
      waiting.delete(client);
    },
    close: () => agent.destroy(),
  };
}

/** What is said between two neighbours alone stays between them. */
function handedOn(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const left = new Set([...HOP_BY_HOP, ...named.filter((name) => !FOR_ALL.includes(name))]);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !left.has(name)));
}
