import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Server as TcpServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { whyNotAddress, whyNotNamed } from '../../src/process/addresses.ts';
import { createProxies, type Proxies, type Resolve } from '../../src/process/proxy.ts';
import { eventually } from '../support/eventually.ts';
import { tempFolder } from '../support/temp.ts';

/** Of the range that routers throw away. */
const NOWHERE = '100::1';

describe('the proxy', () => {
  let server: Server;
  let port = 0;
  let reached = 0;
  let proxies: Proxies | null = null;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      reached += 1;
      response.end('hello');
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = portOf(server);
  });
  afterEach(async () => {
    await proxies?.close();
    proxies = null;
    reached = 0;
  });
  afterAll(() => {
    server.close();
  });

  const socketOf = async (hosts: readonly string[], resolve?: Resolve): Promise<string> => {
    proxies ??= createProxies(join(await tempFolder('proxy'), 'net'), resolve);
    return (await proxies.open(hosts)).socket;
  };

  it.each(['127.0.0.1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::1', '::7f00:1', '169.254.169.254', '168.63.129.16', '10.1.2.3', 'fd00::1', 'fec0::1'])(
    'reaches nothing by a public name that leads to %s',
    async (address) => {
      const socket = await socketOf(['*'], async () => [{ address }]);
      expect(await tunnel(socket, `innocent.example:${port}`)).toBe(403);
      expect(await get(socket, `http://innocent.example:${port}/`)).toMatchObject({ status: 403 });
      expect(reached).toBe(0);
    },
  ); // prettier-ignore

  it('has a socket once there can be one, also where there could be none before', async () => {
    const folder = join(await tempFolder('proxy'), 'net');
    proxies = createProxies(folder);
    await writeFile(folder, 'in the way');
    await expect(proxies.open(['*'])).rejects.toThrow('EEXIST');
    await rm(folder);
    expect(await tunnel((await proxies.open(['*'])).socket, `localhost:${port}`)).toBe(403);
  });

  it('goes to the address that it has judged, whatever the name leads to a moment later', async () => {
    let asked = 0;
    // The system's own answer for this name is this machine.
    const socket = await socketOf(['*', `127.0.0.1:${port}`], async () => {
      asked += 1;
      return [{ address: '127.0.0.1' }, { address: NOWHERE }];
    });
    const gone = new AbortController();
    const answer = tunnel(socket, `localhost:${port}`, gone.signal).catch(() => 0);
    await eventually('the name to be looked up', () => asked > 0);
    // What would have been connected to by name has been by now.
    expect(await tunnel(socket, `127.0.0.1:${port}`)).toBe(200);
    expect(await get(socket, `http://127.0.0.1:${port}/`)).toEqual({
      status: 200,
      reason: 'OK',
      location: undefined,
      text: 'hello',
    });
    gone.abort();
    expect(await answer).not.toBe(200);
    expect({ asked, reached }).toEqual({ asked: 1, reached: 1 });
  });

  it('says that nobody listens, and why', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const nobody = `127.0.0.1:${portOf(closed)}`;
    await new Promise((resolve) => closed.close(resolve));
    const socket = await socketOf([nobody]);
    expect(await tunnel(socket, nobody)).toBe(502);
    expect(await get(socket, `http://${nobody}/`)).toMatchObject({
      status: 502,
      text: expect.stringContaining('ECONNREFUSED'),
    });
  });

  it('breaks an answer off that was broken off, and takes it for no whole one', async () => {
    const breaking = createServer((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    }).listen(0, '127.0.0.1');
    await once(breaking, 'listening');
    try {
      const to = `127.0.0.1:${portOf(breaking)}`;
      await expect(get(await socketOf([to]), `http://${to}/`)).rejects.toThrow(/aborted|hang up/);
    } finally {
      breaking.close();
    }
  });

  it.each([
    ['a status that is none', '099 What', 'Content-Length: 0', 502, ''],
    ['trailers that it cannot have', '200 OK', 'Trailer: X-Sum\r\nContent-Length: 5', 200, 'hello'],
    ['another protocol', '101 Switching', 'Connection: upgrade\r\nUpgrade: other', 502, ''],
  ])('goes on when a server answers with %s', async (_what, status, headers, expected, body) => {
    const odd = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`));
    }).listen(0, '127.0.0.1');
    await once(odd, 'listening');
    try {
      const to = `127.0.0.1:${portOf(odd)}`;
      const socket = await socketOf([to, `127.0.0.1:${port}`]);
      const { status: seen, text } = await get(socket, `http://${to}/`);
      expect(seen).toBe(expected);
      if (expected === 200) expect(text).toBe(body);
      expect(await get(socket, `http://127.0.0.1:${port}/`)).toMatchObject({ status: 200, text: 'hello' });
    } finally {
      odd.close();
    }
  });

  it('has as many connections for each tree, however many another one keeps open', async () => {
    const hosts = [`127.0.0.1:${port}`];
    const [greedy, other] = [await socketOf(hosts), await socketOf(hosts)];
    const kept: Socket[] = [];
    try {
      while (kept.length < 300) {
        // No more at once than can wait to be taken.
        const some = Array.from({ length: 100 }, () => connect(greedy).on('error', () => undefined));
        kept.push(...some);
        await Promise.all(some.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
      }
      expect(await get(other, `http://127.0.0.1:${port}/`)).toMatchObject({ status: 200, text: 'hello' });
      await expect(get(greedy, `http://127.0.0.1:${port}/`)).rejects.toThrow();
    } finally {
      for (const socket of kept) socket.destroy();
    }
  });

  it('looks up one name at a time for a tree', async () => {
    let [under, most] = [0, 0];
    const socket = await socketOf(['*'], async () => {
      most = Math.max(most, (under += 1));
      await pause(20);
      under -= 1;
      return [{ address: '10.1.2.3' }];
    });
    const asked = ['one', 'two', 'three', 'three'].map((name) => tunnel(socket, `${name}.example:443`));
    expect(await Promise.all(asked)).toEqual([403, 403, 403, 403]);
    expect(most).toBe(1);
  });

  it('is gone when its tree has ended, with what was open', async () => {
    proxies = createProxies(join(await tempFolder('proxy'), 'net'));
    const way = await proxies.open(['*']);
    const open = connect(way.socket);
    await once(open, 'connect');
    const closed = once(open, 'close');
    await way.close();
    await closed;
    expect(existsSync(way.socket)).toBe(false);
  });

  it('is closed also when the other side of a tunnel never ends it', async () => {
    const open: Socket[] = [];
    const silent = createTcpServer({ allowHalfOpen: true }, (socket) => open.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const to = `127.0.0.1:${portOf(silent)}`;
    expect(await tunnel(await socketOf([to]), to)).toBe(200);
    await eventually('the tunnel to be there', () => open.length === 1);
    await proxies?.close();
    proxies = null;
    for (const socket of open) socket.destroy();
    silent.close();
    expect(open).toHaveLength(1);
  });

  it('follows no redirect, and judges it like every other destination when it is asked for', async () => {
    const redirecting = createServer((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end();
    }).listen(0, '127.0.0.1');
    await once(redirecting, 'listening');
    try {
      const socket = await socketOf([`127.0.0.1:${portOf(redirecting)}`]);
      const { status, location } = await get(socket, `http://127.0.0.1:${portOf(redirecting)}/`);
      expect(status).toBe(302);
      expect(reached).toBe(0);
      expect(await get(socket, location ?? '')).toMatchObject({ status: 403 });
      expect(await tunnel(socket, `127.0.0.1:${port}`)).toBe(403);
      expect(reached).toBe(0);
    } finally {
      redirecting.close();
    }
  });

  it('says in the status line why it refuses, and tells it whoever asks later, once', async () => {
    const socket = await socketOf(['*'], async () => [{ address: '10.1.2.3' }]);
    const before = performance.now();
    const why = '10.1.2.3 is a private address; name its host under network: to allow it';
    for (const path of ['inside.example:443', 'inside.example:443']) expect(await tunnel(socket, path)).toBe(403);
    expect(await get(socket, 'http://inside.example/')).toMatchObject({ status: 403, reason: `Refused: ${why}` });
    expect(proxies?.refused(['*'], before)).toEqual([
      { told: `inside.example:443: ${why}`, lacks: 'inside.example' },
      { told: `inside.example:80: ${why}`, lacks: 'inside.example' },
    ]);
    expect(proxies?.refused(['*'], performance.now())).toEqual([]);
    expect(proxies?.refused(['other.example'], before)).toEqual([]);
  });

  it('answers in one line, whatever the reason has in it', async () => {
    const socket = await socketOf(['*'], async () => {
      throw new Error(`no\r\nSet-Cookie: a=b\u2026${'x'.repeat(1_000)}`);
    });
    expect(await tunnel(socket, 'inside.example:443')).toBe(403);
    const { reason } = await get(socket, 'http://inside.example/');
    expect(reason).toMatch(/^Refused: inside\.example was not found: no Set-Cookie: a=b x+$/);
    expect(reason.length).toBeLessThan(300);
  });

  it('opens no connection for a request that was given up while its name was looked up', async () => {
    const opened: Socket[] = [];
    const target = createTcpServer((socket) => opened.push(socket)).listen(0, '127.0.0.1');
    await once(target, 'listening');
    const to = `localhost:${portOf(target)}`;
    const found: (() => void)[] = [];
    // The first one waits for it, those after it do not.
    const resolve: Resolve = () =>
      new Promise((give) => {
        const tell = (): void => give([{ address: '127.0.0.1' }]);
        if (found.push(tell) > 1) tell();
      });
    const socket = await socketOf([to], resolve);
    const client = connect(socket);
    try {
      client.write(`GET http://${to}/ HTTP/1.1\r\nHost: ${to}\r\n\r\n`);
      await eventually('the name to be looked up', () => found.length === 1);
      client.destroy();
      // Answered without a name: whoever went before it has been seen to be gone by then.
      expect(await tunnel(socket, 'other.example:1')).toBe(403);
      found[0]?.();
      expect(await tunnel(socket, to)).toBe(200);
      expect(opened.length).toBe(1);
    } finally {
      for (const each of opened) each.destroy();
      target.close();
    }
  });

  it.each([0, 65_536, 99_999])('refuses the port %d, which nobody can have', async (number) => {
    const socket = await socketOf(['127.0.0.1']);
    expect(await tunnel(socket, `127.0.0.1:${number}`)).toBe(403);
    expect(await get(socket, `http://127.0.0.1:${number}/`)).toMatchObject({ status: 403 });
  });

  it('tells what it has refused last, however much that was before', async () => {
    const socket = await socketOf(['named.example']);
    for (let count = 0; count < 100; count += 1) await tunnel(socket, `host-${count}.example:443`);
    const before = performance.now();
    expect(await tunnel(socket, 'last.example:443')).toBe(403);
    expect(proxies?.refused(['named.example'], before)).toMatchObject([{ lacks: 'last.example' }]);
  });

  it.each(['0x7f.1', '2130706433', '017700000001', '127.1'])('does not reach this machine as %s', async (host) => {
    const socket = await socketOf(['*']);
    expect(await tunnel(socket, `${host}:${port}`)).toBe(403);
    expect(reached).toBe(0);
  });
});

it('knows a host that is named by its whole name, with the dot at its end', () => {
  for (const host of ['named.example', 'named.example.', 'NAMED.example.']) {
    expect(whyNotNamed(['named.example'], { host, port: 443 })).toBeNull();
  }
  expect(whyNotNamed(['named.example'], { host: 'named.example.org.', port: 443 })).not.toBeNull();
});

describe("this machine's own addresses", () => {
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);

  it('are not reached by a name, however they are written', () => {
    const to = { host: 'named.example', port: 443 };
    for (const { address, family } of own) {
      const others =
        family === 'IPv4'
          ? [`::ffff:${address}`, `::FFFF:${address}`]
          : [address.toUpperCase(), address.startsWith('::') ? `0${address}` : address.replace('::', ':0::')];
      for (const each of [address, ...others]) {
        expect([each, whyNotAddress(['named.example'], to, each)?.why]).toEqual([each, expect.stringContaining('own')]);
      }
    }
  });
});

function portOf(server: TcpServer): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** The status that a CONNECT is answered with. */
function tunnel(socketPath: string, path: string, signal?: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    request({ socketPath, method: 'CONNECT', path, ...(signal === undefined ? {} : { signal }) })
      .on('connect', ({ statusCode }, socket) => {
        socket.destroy();
        resolve(statusCode ?? 0);
      })
      .on('error', reject)
      .end();
  });
}

interface Answer {
  readonly reason: string;
  readonly status: number | undefined;
  readonly location: string | undefined;
  readonly text: string;
}

function get(socketPath: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path }, (answer) => {
      let text = '';
      answer.on('data', (data) => (text += String(data)));
      answer.once('error', reject);
      answer.once('end', () =>
        resolve({
          status: answer.statusCode,
          reason: answer.statusMessage ?? '',
          location: answer.headers.location,
          text,
        }),
      );
    })
      .on('error', reject)
      .end();
  });
}
