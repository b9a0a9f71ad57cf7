/** The connection to Temporal, and what its errors mean to a person. */

import { setMaxListeners } from 'node:events';
import {
  Client,
  Connection,
  isGrpcServiceError,
  WorkflowNotFoundError,
  type ConnectionOptions,
  type WorkflowHandle,
} from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import type { TemporalConnection } from '../config/connection.ts';
import { temporalCalls } from '../local/temporal-calls.ts';
import { workflowIds, type TaskId } from '../core/ids.ts';
import { messageOf } from '../core/thrown.ts';
import { Failed, UsageError } from './errors.ts';

export interface Temporal {
  readonly client: Client;
  readonly connection: Connection;
  readonly settings: TemporalConnection;
  /** Does something with a deadline for all its calls; what Temporal cannot do becomes one line. @throws Failed */
  within<T>(ms: number, work: () => Promise<T>): Promise<T>;
  /** The same without the words, and ended by a signal too: what is thrown is the client's own. */
  limited<T>(ms: number, signal: AbortSignal | null, work: () => Promise<T>): Promise<T>;
  task(id: TaskId): WorkflowHandle;
  /**
   * Begins to dial, and waits for nothing. Waiting for a connection outlives its closing: the client keeps a timer for
   * it until its deadline, so that a caller that may yet turn back dials this way.
   */
  dial(): void;
  close(): Promise<void>;
}

export const CALL_MS = 5_000;
const CONNECT_TIMEOUT = '3s';

const NO_STATUS = -1;
const CANCELLED = 1;
const FAILED_PRECONDITION = 9;
const UNAVAILABLE = 14;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;
const UNAUTHENTICATED = 16;
const PERMISSION_DENIED = 7;

class DialledConnection extends Connection {
  static override lazy(options: ConnectionOptions = {}): DialledConnection {
    return new this(this.createCtorOptions(options));
  }

  dial(): void {
    this.client.getChannel().getConnectivityState(true);
  }
}

/**
 * Dials at the first call, unless told before.
 *
 * @param codec what payloads go through; null for who reads and writes none
 */
export function openTemporal(settings: TemporalConnection, codec: PayloadCodec | null): Temporal {
  const connection = DialledConnection.lazy({
    address: settings.address,
    connectTimeout: CONNECT_TIMEOUT,
    interceptors: temporalCalls(),
    ...(settings.tls ? { tls: true } : {}),
    ...(settings.apiKey === null ? {} : { apiKey: settings.apiKey }),
  });
  const dataConverter = codec === null ? {} : { payloadCodecs: [codec] };
  const client = new Client({ connection, namespace: settings.namespace, dataConverter });
  return {
    client,
    connection,
    settings,
    async within(ms, work) {
      try {
        return await connection.withDeadline(Date.now() + ms, work);
      } catch (error) {
        throw explain(error, settings);
      }
    },
    async limited(ms, signal, work) {
      // A signal of the call's own: the client never takes its listener off the one that it is given.
      const own = new AbortController();
      // It adds one a poll, and Node takes more than ten for a leak.
      setMaxListeners(0, own.signal);
      const abort = (): void => own.abort();
      signal?.addEventListener('abort', abort, { once: true });
      if (signal?.aborted === true) abort();
      try {
        return await connection.withDeadline(Date.now() + ms, () => connection.withAbortSignal(own.signal, work));
      } finally {
        signal?.removeEventListener('abort', abort);
      }
    },
    task: (id) => client.workflow.getHandle(workflowIds.task(id)),
    dial: () => connection.dial(),
    close: () => connection.close(),
  };
}

/** The gRPC status of an error or of what caused it; null when it has none. */
function statusOf(error: unknown): number | null {
  return serviceErrorOf(error)?.code ?? null;
}

function serviceErrorOf(error: unknown): { readonly code: number; readonly details: string } | null {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (isGrpcServiceError(at)) return at;
  }
  return null;
}

/** What gRPC and the server say; of a call that this process takes back, for an interrupt or its own end, gRPC says otherwise. */
const BY_THE_OTHER_SIDE = /^(?:call cancelled|context canceled)/i;

/** The other side has dropped the call, as when the worker that was to answer it is killed. */
function isDropped(error: unknown): boolean {
  const found = serviceErrorOf(error);
  return found?.code === CANCELLED && BY_THE_OTHER_SIDE.test(found.details);
}

/** True when the server says that no worker polls for the task's queries, or that none can go on with it. */
export function isNoWorker(error: unknown): boolean {
  return statusOf(error) === FAILED_PRECONDITION;
}

/** True when there are workers, and what they are asked about cannot go on with them: their logs say why. */
export function isFailing(error: unknown): boolean {
  return isNoWorker(error) && /in failed state/i.test(serviceErrorOf(error)?.details ?? '');
}

/** True when nobody answered in time: the server, or for a query and an update the workers. */
export function isNoAnswer(error: unknown): boolean {
  const status = statusOf(error);
  if (status === UNAVAILABLE || status === DEADLINE_EXCEEDED || isDropped(error)) return true;
  return error instanceof Error && isTimeout(error);
}

/** Why a message can only be left in its workflow: no worker answers, or none can go on with it. */
export type Unheard = 'no-worker' | 'failing';

/** Null: it failed for another reason. */
export function whyUnheard(error: unknown): Unheard | null {
  if (isFailing(error)) return 'failing';
  return isNoAnswer(error) ? 'no-worker' : null;
}

// The client's own words for an update whose wait was over.
function isTimeout(error: Error): boolean {
  return error.name === 'WorkflowUpdateRPCTimeoutOrCancelledError';
}

/** What Temporal's own faults become; everything else stays as it is, for whoever knows what it means. */
export function explain(error: unknown, settings: TemporalConnection): unknown {
  if (error instanceof WorkflowNotFoundError || error instanceof Failed || error instanceof UsageError) return error;
  const start = settings.from === 'stack' ? 'start it with: tasks up' : 'check TEMPORAL_ADDRESS';
  const look = settings.from === 'stack' ? 'tasks status says how it and its disk are' : 'check TEMPORAL_ADDRESS';
  const status: number = statusOf(error) ?? NO_STATUS;
  const failed = (message: string): Failed => new Failed(message, { cause: error });
  if (isNotReached(error)) return failed(`Temporal at ${settings.address} does not answer; ${start}`);
  if (isDropped(error)) return failed(`Temporal at ${settings.address} dropped the call; try again`);
  switch (status) {
    case UNAVAILABLE:
      return failed(`Temporal at ${settings.address} does not answer; ${start}`);
    case DEADLINE_EXCEEDED:
      // It runs, so that starting it would change nothing.
      return failed(`Temporal at ${settings.address} did not answer in time; ${look}`);
    case NOT_FOUND:
      return failed(
        `Temporal at ${settings.address}: ${messageOf(deepest(error))}; check TEMPORAL_NAMESPACE (${settings.namespace})`,
      );
    case UNAUTHENTICATED:
    case PERMISSION_DENIED:
      return failed(`Temporal at ${settings.address} refuses this caller; check TEMPORAL_API_KEY and the namespace`);
    default: {
      const said = messageOf(deepest(error));
      const fix = /search attribute/i.test(said) ? '; register it with: tasks setup' : '';
      return status === NO_STATUS ? error : failed(`Temporal: ${said}${fix}`);
    }
  }
}

/** The lazy connection's own error, which carries no status. */
function isNotReached(error: unknown): boolean {
  return /failed to connect before the deadline|ECONNREFUSED/i.test(messageOf(deepest(error)));
}

function deepest(error: unknown): unknown {
  let at = error;
  for (let depth = 0; depth < 5 && at instanceof Error && at.cause instanceof Error; depth += 1) at = at.cause;
  return at;
}
