import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import { connect, createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';

import { createProxies, type Proxies, type Resolve } from '../../src/process/proxy.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

describe('a process that talks to the proxy as no program does', () => {
  let proxies: Proxies;
  let servers: Server[] = [];
  let clients: Socket[] = [];

  beforeEach(() => {
    servers = [];
    clients = [];
  });
  afterEach(async () => {
    for (const client of clients) client.destroy();
    await proxies.close();
    for (const server of servers) server.close();
  });

  const listen = async (server: Server): Promise<string> => {
    servers.push(server.listen(0, '127.0.0.1'));
    await once(server, 'listening');
    const address = server.address();
    return `127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  };
  /** A host that takes every connection and answers nothing. */
  const silentHost = async (): Promise<{ readonly to: string; readonly open: Set<Socket> }> => {
    const open = new Set<Socket>();
    const server = createTcpServer((socket) => {
      open.add(socket);
      socket.on('error', () => undefined).once('close', () => open.delete(socket));
      socket.resume();
    });
    return { to: await listen(server), open };
  };
  const wayTo = async (to: string, resolve?: Resolve): Promise<string> => {
    proxies = createProxies(join(await tempFolder('proxy'), 'net'), resolve);
    return (await proxies.open([to])).socket;
  };
  const clientOf = (socket: string): Socket => {
    const client = connect(socket).on('error', () => undefined);
    client.resume();
    clients.push(client);
    return client;
  };

  it('opens no more connections by asking for many pages at once on one', async () => {
    const { to, open } = await silentHost();
    const socket = await wayTo(to);
    const client = clientOf(socket);
    const closed = new Promise((resolve) => client.once('close', resolve));
    client.write(`GET http://${to}/ HTTP/1.1\r\nHost: ${to}\r\n\r\n`.repeat(2_000));
    await closed;
    expect(open.size).toBeLessThanOrEqual(256);
    await eventually('all of them to be closed', () => open.size === 0);
  });

  it('leaves no connection behind when it goes with several pages still to come', async () => {
    const { to, open } = await silentHost();
    const client = clientOf(await wayTo(to));
    client.write(`GET http://${to}/ HTTP/1.1\r\nHost: ${to}\r\n\r\n`.repeat(5));
    await eventually('all to be asked for', () => open.size === 5);
    client.destroy();
    await eventually('all to be given up', () => open.size === 0);
  });

  it('opens no tunnel that was given up while its name was looked up', async () => {
    const { to, open } = await silentHost();
    const name = to.replace('127.0.0.1', 'localhost');
    const found: (() => void)[] = [];
    // The first one waits for it, those after it do not.
    const socket = await wayTo(name, () => {
      const answer = [{ address: '127.0.0.1' }];
      return found.length > 0 ? Promise.resolve(answer) : new Promise((give) => found.push(() => give(answer)));
    });
    const client = clientOf(socket);
    client.write(`CONNECT ${name} HTTP/1.1\r\nHost: ${name}\r\n\r\n`);
    await eventually('the name to be looked up', () => found.length === 1);
    client.destroy();
    const asOther = request({ socketPath: socket, method: 'CONNECT', path: 'other.example:1' }).end();
    // Whoever went before it has been seen to be gone by then.
    await once(asOther, 'connect');
    found[0]?.();
    const later = request({ socketPath: socket, method: 'CONNECT', path: name }).end();
    const [, tunnel] = (await once(later, 'connect')) as [IncomingMessage, Socket];
    clients.push(tunnel);
    expect(open.size).toBe(1);
  });

  it('asks the named host for no other one', async () => {
    const asked: (string | undefined)[] = [];
    const to = await listen(
      createServer(({ headers }, response) => {
        asked.push(headers.host, headers['x-hop']?.toString());
        response.end();
      }),
    );
    const client = clientOf(await wayTo(to));
    client.write(`GET http://${to}/ HTTP/1.1\r\nHost: other.example\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\n\r\n`);
    await new Promise((resolve) => client.once('close', resolve));
    expect(asked).toEqual([to, undefined]);
  });

  it('has no connection of another process, and leaves none when its way is closed', async () => {
    const open = new Set<Socket>();
    const server = createServer((_request, response) => void response.end());
    server.on('connection', (socket) => open.add(socket.once('close', () => open.delete(socket))));
    const to = await listen(server);
    proxies = createProxies(join(await tempFolder('proxy'), 'net'));
    const ways = [await proxies.open([to]), await proxies.open([to])];
    for (const { socket } of ways) {
      const [answer] = (await once(request({ socketPath: socket, path: `http://${to}/` }).end(), 'response')) as [
        IncomingMessage,
      ];
      await once(answer.resume(), 'end');
    }
    expect(open.size).not.toBe(1);
    for (const way of ways) await way.close();
    await eventually('nothing to be open', () => open.size === 0);
  });
});
