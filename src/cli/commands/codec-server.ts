/** Runs the codec server: the Temporal Web UI of people on this machine shows by it what is encrypted. */

import { startCodecServer } from '../../codec/server.ts';
import { CODEC_PORT, LOOPBACK } from '../../local/ports.ts';
import { resolveConnection } from '../../config/connection.ts';
import { readHostFile } from '../../config/host-file.ts';
import { quote } from '../../core/ids.ts';
import { EXIT, Failed, UsageError } from '../errors.ts';
import { requireCodec, requireKeys } from '../payloads.ts';
import type { Session } from '../session.ts';

export interface CodecServerOptions {
  readonly json?: true;
  readonly port?: number;
  readonly host?: string;
  readonly origin?: readonly string[];
}

/** More than that are not told one by one. */
const MAX_TOLD = 20;

/** `tasks codec-server`: until it is interrupted. */
export async function codecServer(session: Session, options: CodecServerOptions): Promise<number> {
  const { environment, io } = session;
  const keys = await requireKeys(environment);
  if (keys.keys.length === 0) {
    throw new UsageError('host.yaml has no encryption.keys; make a key with tasks keygen, and add it there');
  }
  const codec = requireCodec(keys);
  const origins = options.origin === undefined ? await knownOrigins(session) : options.origin.map(originOf);
  if (origins.length === 0) {
    throw new UsageError('no Web UI is known; name its address with --origin, such as http://127.0.0.1:8233');
  }
  const { host = LOOPBACK, port = CODEC_PORT } = options;
  let told = 0;
  const server = await startCodecServer({
    codec,
    host,
    port,
    origins,
    onRefused: (origin) => {
      told += 1;
      if (told <= MAX_TOLD) session.noteOnce(`refused a page of ${quote(origin)}; serve it with --origin`);
    },
  });
  if (server.kind === 'invalid') throw new Failed(`codec-server: ${server.message}`);
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${server.value.port}`;
  if (session.json) session.printJson({ kind: 'listening', url, origins, keys: keys.keys.map(({ id }) => id) });
  else {
    session.print(`codec server at ${url}, for the Web UI at ${origins.join(', ')}`);
    session.note(`a Web UI that does not find it is told by the glasses at its top right: ${url}; ends with Ctrl-C`);
  }
  if (!isLoopback(host)) {
    session.note(`whoever reaches ${url} reads every task: put something before it that asks who they are`);
  }
  await untilAborted(io.interrupt);
  await server.value.close();
  return EXIT.ok;
}

/** The running stack's Web UI, by both of its names, and the one that host.yaml names. */
async function knownOrigins({ environment }: Session): Promise<readonly string[]> {
  const [host, connection] = await Promise.all([readHostFile(environment.home), resolveConnection(environment)]);
  const ui = connection.kind === 'connection' ? connection.temporal.uiUrl : null;
  const named = host.kind === 'ok' ? host.value.ui : null;
  return [
    ...(ui === null ? [] : [originOf(ui), originOf(ui.replace(LOOPBACK, 'localhost'))]),
    ...(named === null ? [] : [originOf(named)]),
  ];
}

/** @throws UsageError */
function originOf(text: string): string {
  try {
    const { origin, protocol } = new URL(text);
    if (protocol === 'http:' || protocol === 'https:') return origin;
  } catch {
    // Told below.
  }
  throw new UsageError(`--origin: ${quote(text)} must be an address such as http://127.0.0.1:8233`);
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

async function untilAborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
