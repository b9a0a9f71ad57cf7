/** The worker's two connections to Temporal: the client's, and the one that the SDK's workers poll by. */

import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { temporalCalls } from '../local/temporal-calls.ts';

interface Reach {
  readonly address: string;
  readonly tls: boolean;
  readonly apiKey: string | null;
  readonly namespace: string;
}

export async function connect({ address, tls, apiKey, namespace }: Reach) {
  const reach = { address, tls, ...(apiKey === null ? {} : { apiKey }) };
  const connection = await Connection.connect({ ...reach, interceptors: temporalCalls() });
  const native = await NativeConnection.connect(reach);
  const close = async (): Promise<void> => {
    await native.close();
    await connection.close();
  };
  return { client: new Client({ connection, namespace }), native, close };
}
