import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { join, resolve } from 'node:path';

import { whyNotAddress, whyNotNamed } from '../../src/process/addresses.ts';
import { createProcessRoom } from '../../src/process/room.ts';
import type { ProcessRoom } from '../../src/process/types.ts';
import { tempFolder } from '../support/temp.ts';
import { pidsWith } from './rig.ts';

const BRIDGE = resolve('dist/worker/network-bridge.js');

/** Asks the proxy, as curl does: first for a tunnel, then in plain HTTP; prints the status and the text of each. */
const ASK = `
const http = require('node:http');
const [, , port] = process.argv;
const proxy = new URL(process.env.HTTP_PROXY);
const tunnel = http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path: '127.0.0.1:' + port });
tunnel.on('connect', (answer, socket, head) => {
  if (answer.statusCode !== 200) { console.log('tunnel', answer.statusCode, String(head).trim()); socket.destroy(); return plain(); }
  socket.on('data', (data) => { console.log('tunnel 200', String(data).split('\\r\\n\\r\\n')[1]); socket.destroy(); plain(); });
  socket.write('GET / HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n');
});
tunnel.end();
function plain() {
  http.get({ host: proxy.hostname, port: proxy.port, path: 'http://127.0.0.1:' + port + '/' }, (answer) => {
    answer.on('data', (data) => console.log('plain', answer.statusCode, String(data).trim()));
  });
}
`;

describe.each([
  { perl: true, pidfd: true },
  { perl: true, pidfd: false },
  { perl: false, pidfd: false },
])('the network of a sandbox (perl: $perl, pidfd: $pidfd)', ({ perl, pidfd }) => {
  let room: ProcessRoom;
  let home: string;
  let server: Server;
  let port: number;
  let reached = 0;

  beforeAll(async () => {
    home = await tempFolder('home');
    await mkdir(join(home, 'tmp'));
    await writeFile(join(home, 'ask.cjs'), ASK);
    room = await createProcessRoom({ home, bridge: BRIDGE, perl, pidfd });
    server = createServer((_request, response) => {
      reached += 1;
      response.end('hello');
    }).listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    const address = server.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(async () => {
    await room.close();
    server.close();
  });

  const run = (argv: readonly [string, ...string[]], hosts: readonly string[], more: Record<string, string> = {}) =>
    room.run({
      argv,
      cwd: home,
      env: { PATH: process.env['PATH'] ?? '', ...more },
      tag: 'task/1',
      outputFile: join(home, 'output'),
      maxOutputBytes: 1024 * 1024,
      onLine: null,
      idleTimeoutMs: 20_000,
      totalTimeoutMs: 20_000,
      sandbox: {
        mounts: [{ from: home, to: home, write: true }],
        read: [],
        tmp: join(home, 'tmp'),
        network: { hosts },
      },
      signal: new AbortController().signal,
    });
  const ask = (hosts: readonly string[]) => run(['node', 'ask.cjs', String(port)], hosts);

  it('reaches what listens on this machine only when its address is named', async () => {
    reached = 0;
    const refused = await ask(['*']);
    expect(refused.tail).toMatch(/tunnel 403 127\.0\.0\.1 is this machine's own/);
    expect(refused.tail).toMatch(/plain 403 127\.0\.0\.1 is this machine's own/);
    expect(reached).toBe(0);
    expect((await ask(['example.com'])).tail).toMatch(/tunnel 403 127\.0\.0\.1:\d+ is not among the hosts/);
    expect(reached).toBe(0);
    const let_through = await ask([`127.0.0.1:${port}`]);
    expect(let_through.tail).toBe('tunnel 200 hello\nplain 200 hello\n');
    expect(reached).toBe(2);
  });

  it('goes nowhere past the proxy', async () => {
    reached = 0;
    const { tail } = await run(
      [
        'node',
        '-e',
        `require('net').connect(${port}, '127.0.0.1').on('error', (e) => console.log(e.code)).on('connect', () => console.log('in'))`,
      ],
      ['*'],
    );
    expect(tail).toBe('ECONNREFUSED\n');
    expect(reached).toBe(0);
  });

  it("ends as the program does, without a process of anybody's left to wait for", async () => {
    expect(await run(['sh', '-c', 'wait; exit 7'], ['*'])).toMatchObject({ kind: 'exited', code: 7 });
    expect(await run(['sh', '-c', 'kill -9 $$'], ['*'])).toMatchObject({ kind: 'signaled', signal: 'SIGKILL' });
    expect(await run(['sh', '-c', 'kill -TERM $$'], ['*'])).toMatchObject({ kind: 'exited', code: 128 + 15 });
  });

  it('ends with the program also what that has left running', async () => {
    const left = `sleep 61.${process.pid}`;
    expect(await run(['sh', '-c', `setsid ${left} & exit 3`], ['*'])).toMatchObject({ kind: 'exited', code: 3 });
    expect(pidsWith(left)).toEqual([]);
  });

  it('leaves no zombie of those whose parents have ended', async () => {
    const zombies = "grep -ls '^State:.Z' /proc/[0-9]*/status";
    const { kind, tail } = await run(
      ['sh', '-c', `for n in 1 2 3; do (true & true); done; while ${zombies}; do :; done >/dev/null; echo none`],
      ['*'],
    );
    expect({ kind, tail }).toEqual({ kind: 'exited', tail: 'none\n' });
  });

  it('gives the program the environment that it was to have', async () => {
    const { tail } = await run(['sh', '-c', 'env | grep -v proxy | cut -d= -f1 | sort | tr "\\n" " "'], ['*']);
    expect(tail).not.toContain('PERL');
    expect(tail).toContain('PATH ');
  });

  it('starts a program that has variables for a perl of its own, with what these are', async () => {
    const mine = { PERL5OPT: '-MNo::Such::Module', PERL_UNICODE: 'SDA' };
    const { kind, tail } = await run(['sh', '-c', 'echo "$1 $PERL5OPT $PERL_UNICODE"', 'sh', 'ä'], ['*'], mine);
    expect({ kind, tail }).toEqual({ kind: 'exited', tail: 'ä -MNo::Such::Module SDA\n' });
  });
});

describe('the addresses that a confined process may reach', () => {
  it.each([
    ['127.0.0.1'], ['127.9.9.9'], ['169.254.169.254'], ['10.0.0.1'], ['172.16.0.1'], ['192.168.1.1'], ['100.64.0.1'], ['0.0.0.0'],
    ['::1'], ['::'], ['fe80::1'], ['fd00::1'], ['::ffff:127.0.0.1'], ['64:ff9b::7f00:1'], ['2002:7f00:1::'], ['224.0.0.1'], ['255.255.255.255'],
  ])('are none such as %s, unless it is named', (address) => {
    const to = { host: 'example.com', port: 443 };
    expect(whyNotAddress(['*'], to, address)).not.toBeNull();
    expect(whyNotAddress([address.includes(':') ? `[${address}]` : address], { host: address, port: 443 }, address)).toBeNull();
  }); // prettier-ignore

  it('are public ones of any host for *, and of named hosts alone otherwise', () => {
    expect(whyNotAddress(['*'], { host: 'example.com', port: 443 }, '93.184.215.14')).toBeNull();
    expect(whyNotNamed(['*.example.com'], { host: 'api.example.com', port: 443 })).toBeNull();
    expect(whyNotNamed(['*.example.com'], { host: 'notexample.com', port: 443 })).not.toBeNull();
    expect(whyNotNamed(['example.com:443'], { host: 'example.com', port: 25 })).not.toBeNull();
  });

  it('may be private ones of a named host, but never this machine by a name that leads to it', () => {
    const to = { host: 'registry.corp', port: 443 };
    expect(whyNotAddress(['registry.corp'], to, '10.1.2.3')).toBeNull();
    expect(whyNotAddress(['registry.corp'], to, '127.0.0.1')).not.toBeNull();
    expect(whyNotAddress(['registry.corp'], to, '169.254.169.254')).not.toBeNull();
  });
});
