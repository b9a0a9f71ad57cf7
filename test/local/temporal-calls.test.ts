import { createServer, type Http2Server } from 'node:http2';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { temporalCalls } from '../../src/local/temporal-calls.ts';
import { eventually } from '../support/eventually.ts';

const UNAVAILABLE = '14';

/** A server that is there, and unavailable for every call. */
describe('a call to Temporal', () => {
  let server: Http2Server;
  let address: string;
  let asked: number;

  beforeEach(async () => {
    asked = 0;
    server = createServer();
    server.on('stream', (stream) => {
      asked += 1;
      stream.respond(
        { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': UNAVAILABLE, 'grpc-message': 'not now' },
        { endStream: true },
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    address = typeof at === 'object' && at !== null ? `127.0.0.1:${at.port}` : '';
  });

  afterEach(() => {
    server.close();
  });

  it('is tried again while its connection is open', async () => {
    const connection = Connection.lazy({ address, interceptors: temporalCalls() });
    const refused = expect(connection.workflowService.getSystemInfo({})).rejects.toThrow('Channel has been shut down');
    await eventually('a second try', () => asked > 1);
    await connection.close();
    await refused;
  });

  it('ends with an error, and not the process, when its next try comes after the connection was closed', async () => {
    const connection = Connection.lazy({ address, interceptors: temporalCalls() });
    const call = connection.workflowService.getSystemInfo({});
    const refused = expect(call).rejects.toThrow('Channel has been shut down');
    await eventually('the first try', () => asked > 0);
    await connection.close();
    await refused;
  });
});
