/** Ports on loopback: the preferred one where it is free, else one that the system gives. */

import { createServer, type Server } from 'node:net';

export const LOOPBACK = '127.0.0.1';
/** Where `tasks codec-server` listens, and where the stack's Web UI looks for it. */
export const CODEC_PORT = 8234;

/** Listens on a port of loopback; null when it is taken. 0 asks for any. */
function hold(port: number): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ host: LOOPBACK, port, exclusive: true }, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a listening socket has no port');
  return address.port;
}

export async function isFree(port: number): Promise<boolean> {
  const server = await hold(port);
  if (server === null) return false;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return true;
}

/**
 * One port for each wish, all different, in their order: the wished one where it is free, any for null or a taken one.
 * Nothing keeps them: whoever binds them must cope with a loser's error.
 *
 * @throws when the system has no port left
 */
export async function choosePorts(wishes: readonly (number | null)[]): Promise<readonly number[]> {
  const held: Server[] = [];
  try {
    for (const wish of wishes) {
      const server = (wish === null ? null : await hold(wish)) ?? (await hold(0));
      if (server === null) throw new Error(`no free port on ${LOOPBACK}`);
      held.push(server);
    }
    return held.map(portOf);
  } finally {
    await Promise.all(held.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
  }
}
