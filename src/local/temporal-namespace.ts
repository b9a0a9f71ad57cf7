/** Makes a namespace of a Temporal usable: reached, kept for thirty days, its search attributes registered. */

import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from '@temporalio/client';
import { messageOf } from '../core/thrown.ts';

const RETENTION_SECONDS = 30 * 24 * 3600;
const RETRY_MS = 20;

/** A search attribute's type, in the words of the server. */
export type SearchAttributeKind = 'Text' | 'Keyword' | 'Int' | 'Double' | 'Bool' | 'Datetime' | 'KeywordList';
export type SearchAttributes = Readonly<Record<string, SearchAttributeKind>>;

// temporal.api.enums.v1.IndexedValueType: the client's package does not export the enumeration itself. By number.
const KINDS: readonly (SearchAttributeKind | null)[] = [
  null,
  'Text',
  'Keyword',
  'Int',
  'Double',
  'Bool',
  'Datetime',
  'KeywordList',
];

export interface PrepareNamespaceRequest {
  readonly address: string;
  readonly namespace: string;
  readonly searchAttributes: SearchAttributes;
  /** All in all, in milliseconds. */
  readonly limitMs: number;
  readonly signal: AbortSignal;
}

/** Waits until the server answers, then readies the namespace. Null, or why it could not be done. @throws when aborted */
export async function prepareNamespace(request: PrepareNamespaceRequest): Promise<string | null> {
  const untilMs = performance.now() + request.limitMs;
  // Loaded while the server starts: it takes as long.
  const { Connection } = await import('@temporalio/client');
  let last = 'nothing answered';
  while (performance.now() < untilMs) {
    request.signal.throwIfAborted();
    try {
      // Asked first, since gRPC waits a second after a refused connection.
      await knock(request.address);
      const connection = await Connection.connect({ address: request.address, connectTimeout: '2s' });
      try {
        await connection.withDeadline(Date.now() + 5_000, () => settle(connection, request));
        return null;
      } finally {
        await connection.close();
      }
    } catch (error) {
      last = messageOf(error);
    }
    await pause(RETRY_MS, undefined, { signal: request.signal });
  }
  return `the namespace ${request.namespace} at ${request.address} was not ready within ${request.limitMs / 1000} s: ${last}`;
}

async function settle(connection: Connection, request: PrepareNamespaceRequest): Promise<void> {
  const { namespace } = request;
  const described = await connection.workflowService.describeNamespace({ namespace });
  const kept = Number(described.config?.workflowExecutionRetentionTtl?.seconds ?? 0);
  if (kept < RETENTION_SECONDS) {
    const { msToTs } = await import('@temporalio/common/lib/time.js');
    const config = { workflowExecutionRetentionTtl: msToTs(RETENTION_SECONDS * 1000) };
    await connection.workflowService.updateNamespace({ namespace, config });
  }
  await registerSearchAttributes(connection, namespace, request.searchAttributes);
}

/** Registers what is missing. @throws what the server says, also for a name that has another type already */
export async function registerSearchAttributes(
  connection: Connection,
  namespace: string,
  wanted: SearchAttributes,
): Promise<void> {
  const known = (await connection.operatorService.listSearchAttributes({ namespace })).customAttributes ?? {};
  const missing = Object.entries(wanted).filter(([name]) => !(name in known));
  for (const [name, kind] of Object.entries(wanted)) {
    const type = known[name];
    if (type !== undefined && KINDS[type] !== kind) {
      throw new Error(`the search attribute ${name} of ${namespace} is not of type ${kind}`);
    }
  }
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map(([name, kind]) => [name, KINDS.indexOf(kind)]));
  await connection.operatorService.addSearchAttributes({ namespace, searchAttributes });
}

/** Connects and closes. @throws when nobody listens */
function knock(address: string): Promise<void> {
  const split = address.lastIndexOf(':');
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.slice(0, split), port: Number(address.slice(split + 1)), timeout: 2_000 });
    socket.once('connect', () => resolve());
    socket.once('timeout', () => reject(new Error('no answer')));
    socket.once('error', reject);
    socket.once('connect', () => socket.destroy());
    socket.once('timeout', () => socket.destroy());
  });
}
