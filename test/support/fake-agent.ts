/**
 * Drives fake agents: real child processes that do what a test tells them over a Unix socket.
 *
 * It owns the socket and its connections; {@link FakeAgents.close} ends both. The processes belong to whoever
 * started them.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const CHILD = resolve(import.meta.dirname, 'fake-agent-child.js');
const WAIT_LIMIT_MS = 60_000;

export type FakeAction =
  | { readonly do: 'write' | 'append'; readonly path: string; readonly text: string }
  | { readonly do: 'remove' | 'read' | 'exists'; readonly path: string }
  | { readonly do: 'note'; readonly name: string; readonly text: string }
  | { readonly do: 'report'; readonly report: unknown }
  | { readonly do: 'reportText'; readonly text: string }
  | { readonly do: 'run'; readonly command: string }
  | { readonly do: 'commit'; readonly message: string }
  | { readonly do: 'print'; readonly text: string; readonly stream?: 'stdout' | 'stderr' }
  | { readonly do: 'printBytes'; readonly base64: string; readonly stream?: 'stdout' | 'stderr' }
  | { readonly do: 'flood'; readonly bytes: number; readonly line?: string; readonly stream?: 'stdout' | 'stderr' }
  | { readonly do: 'exitOnTerm' | 'exit'; readonly code: number }
  | {
      readonly do: 'grandchild';
      /** Stands in its command line, by which a test finds it from outside its PID namespace. */
      readonly marker: string;
      /** In a session of its own. */
      readonly detached?: boolean;
      readonly ignoreTerm?: boolean;
      /** Keeps standard error open. */
      readonly keepPipes?: boolean;
    }
  | { readonly do: 'sleep'; readonly ms: number }
  | { readonly do: 'killSelf'; readonly signal: string }
  | { readonly do: 'prompt' | 'ignoreTerm' | 'closeStreams' | 'hang' };

export interface FakeAgent {
  /** As the process itself sees it: inside its PID namespace, where it has one. */
  readonly pid: number;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Has the agent do something. @returns what the action returns @throws what it throws, and when the agent ends */
  do(action: FakeAction): Promise<unknown>;
  /** Resolves when the process has closed its connection. */
  readonly gone: Promise<void>;
}

export interface FakeAgents {
  /** The command that starts one, with its arguments. */
  readonly command: readonly [string, ...string[]];
  /** The next agent to start, in the order of their starts. @throws after 20 s without one */
  next(): Promise<FakeAgent>;
  close(): Promise<void>;
}

/** The command of a fake agent that follows a script, written to the file. */
export async function scriptedAgent(
  file: string,
  script: Readonly<Record<string, readonly FakeAction[]>>,
): Promise<readonly [string, ...string[]]> {
  await writeFile(file, JSON.stringify(script));
  return [process.execPath, CHILD, '--script', file];
}

/** Listens for fake agents. */
export async function listenForFakeAgents(): Promise<FakeAgents> {
  const folder = await mkdtemp(join(tmpdir(), 'fake-agent-'));
  const path = join(folder, 'socket');
  const sockets = new Set<Socket>();
  const arrived: FakeAgent[] = [];
  const waiting: ((agent: FakeAgent) => void)[] = [];
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    greet(socket, (agent) => {
      const taker = waiting.shift();
      if (taker === undefined) arrived.push(agent);
      else taker(agent);
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
  return {
    command: [process.execPath, CHILD, '--socket', path],
    next: () => takeNext(arrived, waiting),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((done) => server.close(() => done()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function takeNext(arrived: FakeAgent[], waiting: ((agent: FakeAgent) => void)[]): Promise<FakeAgent> {
  const first = arrived.shift();
  if (first !== undefined) return Promise.resolve(first);
  return new Promise((resolve, reject) => {
    const taker = (agent: FakeAgent): void => {
      clearTimeout(limit);
      resolve(agent);
    };
    const limit = setTimeout(() => {
      waiting.splice(waiting.indexOf(taker), 1);
      reject(new Error(`no fake agent started within ${WAIT_LIMIT_MS} ms`));
    }, WAIT_LIMIT_MS);
    waiting.push(taker);
  });
}

interface Message {
  readonly kind: 'started' | 'reply';
  readonly id?: number;
  readonly value?: unknown;
  readonly error?: string;
  readonly pid: number;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

function greet(socket: Socket, onStarted: (agent: FakeAgent) => void): void {
  const pending = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;
  const gone = new Promise<void>((done) => socket.once('close', () => done()));
  socket.on('error', () => socket.destroy());
  socket.once('close', () => {
    for (const { reject } of pending.values()) reject(new Error('the fake agent ended before it replied'));
    pending.clear();
  });
  const act = (action: FakeAction): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (socket.destroyed) return reject(new Error('the fake agent has ended'));
      last += 1;
      pending.set(last, { resolve, reject });
      socket.write(`${JSON.stringify({ id: last, action })}\n`);
    });
  createInterface({ input: socket }).on('line', (line) => {
    // Written by the child beside this file: its form is known.
    const message = JSON.parse(line) as Message;
    if (message.kind === 'started') {
      onStarted({ pid: message.pid, cwd: message.cwd, argv: message.argv, env: message.env, do: act, gone });
      return;
    }
    const waiter = pending.get(message.id ?? 0);
    pending.delete(message.id ?? 0);
    if (message.error === undefined) waiter?.resolve(message.value);
    else waiter?.reject(new Error(message.error));
  });
}
