/** A way to a server that can swallow what is sent there, hold up what goes either way, and break. */

import { createServer, connect, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

export class DropProxy {
  readonly address: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #swallows = false;
  #holdsUp = false;
  swallowedBytes = 0;

  private constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  static async start(target: string): Promise<DropProxy> {
    const [host = '127.0.0.1', port = '0'] = target.split(':');
    let proxy: DropProxy | null = null;
    const server = createServer((client) => proxy?.pass(client, connect(Number(port), host)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const listening = server.address();
    if (listening === null || typeof listening === 'string') throw new Error('the proxy has no port');
    proxy = new DropProxy(server, `127.0.0.1:${listening.port}`);
    return proxy;
  }

  /** From now on what clients send is taken and goes nowhere. */
  swallow(): void {
    this.swallowedBytes = 0;
    this.#swallows = true;
  }

  /** From now on nothing arrives at either end, and nothing breaks: a black hole. */
  holdUp(): void {
    this.#holdsUp = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** What was held up arrives, as TCP has it when the way is there again. */
  letGo(): void {
    this.#holdsUp = false;
    for (const socket of this.#sockets) socket.resume();
  }

  /** After so many milliseconds every connection breaks; new ones work. */
  async breakAfter(ms: number): Promise<void> {
    await pause(ms);
    for (const socket of this.#sockets) socket.destroy();
    this.#swallows = false;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  pass(client: Socket, server: Socket): void {
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.once('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    client.on('data', (data: Buffer) => {
      if (this.#swallows) this.swallowedBytes += data.length;
      else server.write(data);
    });
    server.on('data', (data: Buffer) => client.write(data));
    // To be read makes it flow.
    if (this.#holdsUp) for (const socket of [client, server]) socket.pause();
  }
}
