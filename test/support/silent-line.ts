/** A line to a server that may fall silent: what is sent then arrives nowhere, and nobody is told. */

import { connect, createServer, type Server, type Socket } from 'node:net';

/** Hands on what goes between a client and a server, until it is told to keep everything to itself. */
export class Line {
  #server: Server;
  #silent = false;
  readonly #sockets = new Set<Socket>();

  constructor(address: string) {
    const [host = '', port = ''] = address.split(':');
    this.#server = createServer((near) => {
      const far = connect(Number(port), host);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('data', (chunk) => this.#silent || to.write(chunk));
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
      }
    });
  }

  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('it has no port');
    return `127.0.0.1:${address.port}`;
  }

  fallSilent(): void {
    this.#silent = true;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}
