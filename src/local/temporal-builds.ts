/** The builds of a deployment on a Temporal server, and which of them is current. */

import { isGrpcServiceError, type Client } from '@temporalio/client';
import { DEPLOYMENT, ServerTime, stillPolls, UNVERSIONED } from '../core/builds.ts';

// temporal.api.enums.v1, by number: the client's package does not export the enumerations themselves.
const WORKFLOW_QUEUE = 1;
const VERSIONED = 2;
const DRAINAGE: Readonly<Record<number, 'draining' | 'drained'>> = { 1: 'draining', 2: 'drained' };
const NOT_FOUND = 5;
const CALL_MS = 5_000;
/** The server tells all parts of its task queues before it answers: on a busy machine that takes it longer than any other call. */
export const CHANGE_MS = 30_000;
const QUEUE = 'tasks';

export interface Build {
  readonly id: string;
  /** Whether workers of it poll. */
  readonly isPolling: boolean;
  /** Of one that is current no more: whether workflows are still on it. */
  readonly drainage: 'draining' | 'drained' | null;
}

export interface Builds {
  /** {@link UNVERSIONED}: workers that have versioning switched off. */
  readonly current: string;
  readonly polling: readonly string[];
  readonly builds: readonly Build[];
  /** What a change refers to: it is refused when there was another one since. */
  readonly token: Uint8Array;
}

/**
 * Null when no worker with versioning has ever polled.
 *
 * @param time of who looks again and again; who looks once knows the server's time by its pollers alone, and takes the last of
 *   them for alive
 * @throws what the client does
 */
export async function readBuilds(client: Client, time = new ServerTime()): Promise<Builds | null> {
  const { namespace } = client.options;
  const within = <T>(call: () => Promise<T>): Promise<T> => client.connection.withDeadline(Date.now() + CALL_MS, call);
  const described = await within(() =>
    client.workflowService.describeWorkerDeployment({ namespace, deploymentName: DEPLOYMENT }),
  ).catch((error: unknown) => {
    if (isNotFound(error)) return null;
    throw error;
  });
  if (described === null) return null;
  const { workerDeploymentInfo: info, conflictToken } = described;
  const type = Object.fromEntries([['taskQueueType', WORKFLOW_QUEUE]]);
  const { pollers } = await within(() =>
    client.workflowService.describeTaskQueue({ namespace, taskQueue: { name: QUEUE }, ...type }),
  );
  const polling = buildsThatPoll(pollers ?? [], time);
  const builds = (info?.versionSummaries ?? []).map(({ deploymentVersion, drainageStatus }): Build => {
    const id = deploymentVersion?.buildId ?? '';
    return { id, isPolling: polling.includes(id), drainage: DRAINAGE[Number(drainageStatus)] ?? null };
  });
  return {
    current: info?.routingConfig?.currentDeploymentVersion?.buildId ?? UNVERSIONED,
    polling,
    builds,
    token: conflictToken ?? new Uint8Array(),
  };
}

interface Poller {
  readonly lastAccessTime?: { readonly seconds?: unknown } | null;
  readonly deploymentOptions?: {
    readonly workerVersioningMode?: unknown;
    readonly deploymentName?: string | null;
    readonly buildId?: string | null;
  } | null;
}

function buildsThatPoll(pollers: readonly Poller[], time: ServerTime): readonly string[] {
  const seen = pollers.map(({ lastAccessTime, deploymentOptions: options }) => ({
    seenMs: Number(lastAccessTime?.seconds ?? 0) * 1_000,
    build:
      Number(options?.workerVersioningMode) === VERSIONED && options?.deploymentName === DEPLOYMENT
        ? (options.buildId ?? UNVERSIONED)
        : UNVERSIONED,
  }));
  const now = time.atLeast(Math.max(0, ...seen.map(({ seenMs }) => seenMs)), performance.now());
  return [...new Set(seen.filter(({ seenMs }) => stillPolls(seenMs, now)).map(({ build }) => build))].sort();
}

function isNotFound(error: unknown): boolean {
  if (!isGrpcServiceError(error)) return false;
  const code: number = error.code;
  return code === NOT_FOUND;
}

/** @throws what the client does, also when something was changed since the token */
export async function setCurrentBuild(
  client: Client,
  buildId: string,
  identity: string,
  conflictToken: Uint8Array,
): Promise<void> {
  await client.connection.withDeadline(Date.now() + CHANGE_MS, () =>
    client.workflowService.setWorkerDeploymentCurrentVersion({
      namespace: client.options.namespace,
      deploymentName: DEPLOYMENT,
      buildId,
      identity,
      conflictToken,
      // All builds poll the one queue that has versions.
      ignoreMissingTaskQueues: true,
    }),
  );
}
