/** Serves bare repositories over HTTP by git's own http-backend, to whoever signs in; who comes without is refused and counted. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface HttpOrigin {
  readonly port: number;
  /** What was asked for without the password. */
  readonly refused: readonly string[];
  /** What was asked for with it. */
  readonly served: readonly string[];
  close(): Promise<void>;
}

/** @param port a free one when left out */
export async function serveOverHttp(root: string, user: string, password: string, port = 0): Promise<HttpOrigin> {
  const refused: string[] = [];
  const served: string[] = [];
  const signedIn = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const server = createServer((request, response) => {
    const asked = `${request.method} ${request.url}`;
    if (request.headers.authorization === signedIn) {
      served.push(asked);
      return runBackend(root, user, request, response);
    }
    refused.push(asked);
    request.resume();
    return response.writeHead(401, { 'www-authenticate': 'Basic realm="origin"' }).end();
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    refused,
    served,
    async close() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** As RFC 3875 has it. */
function runBackend(root: string, user: string, request: IncomingMessage, response: ServerResponse): void {
  const [path = '', query = ''] = (request.url ?? '').split('?');
  const { headers } = request;
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env['PATH'] ?? '',
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_GLOBAL: '/dev/null',
      REMOTE_USER: user,
      REQUEST_METHOD: request.method ?? 'GET',
      PATH_INFO: path,
      QUERY_STRING: query,
      CONTENT_TYPE: headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(headers['git-protocol'] ?? ''),
      ...(headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: headers['content-length'] }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => undefined);
  request.pipe(child.stdin);
  const parts: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => parts.push(part));
  child.once('close', () => {
    const answer = Buffer.concat(parts);
    const end = answer.indexOf('\r\n\r\n');
    const lines = answer.toString('latin1', 0, end).split('\r\n');
    const named = lines.map((line) => line.split(/: (.*)/s)).map(([name = '', value = '']) => [name, value]);
    const { Status: status = '200', ...rest } = Object.fromEntries(named) as Record<string, string>;
    response.writeHead(Number.parseInt(status, 10), rest).end(answer.subarray(end + 4));
  });
}
