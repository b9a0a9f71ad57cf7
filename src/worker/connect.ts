/** The worker's two connections to Temporal: the client's, and the one that the SDK's workers poll by. */

import { Client, Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { temporalCalls } from '../local/temporal-calls.ts';
import { clientConverter, type PayloadOptions } from './payloads.ts';

interface Reach {
  readonly address: string;
  readonly tls: boolean;
  readonly apiKey: string | null;
  readonly namespace: string;
  readonly payloads: PayloadOptions;
}

export async function connect({ address, tls, apiKey, namespace, payloads }: Reach) {
  const reach = { address, tls, ...(apiKey === null ? {} : { apiKey }) };
  const connection = await Connection.connect({ ...reach, interceptors: temporalCalls() });
  const native = await NativeConnection.connect(reach);
  const close = async (): Promise<void> => {
    await native.close();
    await connection.close();
  };
  const client = new Client({ connection, namespace, dataConverter: clientConverter(payloads) });
  return { client, native, close };
}
