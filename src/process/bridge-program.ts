/**
 * What stands between a confined program and the worker's proxy: it listens on the namespace's own loopback and hands every
 * connection to the proxy's socket. Started as `bridge SOCKET FD` it listens on what it was given; as
 * `bridge SOCKET PORT PROGRAM…` it listens there itself, runs the program, and ends as that does.
 */

import { spawn } from 'node:child_process';
import { connect, createServer, type Socket } from 'node:net';
import { constants } from 'node:os';

import { handOn } from './hand-on.ts';

const [socket = '', where = '', program, ...args] = process.argv.slice(2);
const CANNOT_START = 127;

function hand(client: Socket): void {
  const proxy = connect(socket);
  for (const one of [client, proxy]) one.on('error', () => one.destroy());
  handOn(client, proxy);
  handOn(proxy, client);
}

function run(named: string): void {
  const child = spawn(named, args, { stdio: 'inherit' });
  child.once('error', (error) => {
    process.stderr.write(`${named} could not be started: ${error.message}\n`);
    process.exit(CANNOT_START);
  });
  child.once('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
}

// The worker asks every process of the sandbox to end: this one waits for the program's own end.
process.on('SIGTERM', () => undefined);
process.on('SIGINT', () => undefined);
const server = createServer({ allowHalfOpen: true }, hand);
if (program === undefined) server.listen({ fd: Number(where) });
else server.listen(Number(where), '127.0.0.1', () => run(program));
