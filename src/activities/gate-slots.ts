/** How many gates can run at the same time: each worker says its own number in the name that it polls by. */

import type { Client } from '@temporalio/client';
import { hasLabels } from '../core/labels.ts';
import { QUEUES } from './near.ts';

// temporal.api.enums.v1.TaskQueueType, by number: the client's package does not export the enumeration itself.
const ACTIVITY_QUEUE = 2;
const KEPT_MS = 15_000;
const CALL_MS = 2_000;
/** An idle worker polls anew within this time. */
const POLL_MS = 75_000;
const POLLER = /^(.*)#(\d{1,4})$/;

export function gatePollerName(identity: string, gates: number): string {
  return `${identity}#${gates}`;
}

interface Kept {
  readonly slots: Promise<number | null>;
  readonly atMs: number;
}

/** This worker's own, which it knows of without asking. */
interface Own {
  readonly gates: number;
  readonly labels: readonly string[];
}

/** By the queue's name. */
const kept = new WeakMap<Client, Map<string, Kept>>();

/** The gate slots of all workers with these labels that polled within the last minutes; null when the server does not say. */
export function gateSlots(client: Client, { gates, labels }: Own, requires: readonly string[]): Promise<number | null> {
  const queue = QUEUES.gates(requires);
  const queues = kept.get(client) ?? new Map<string, Kept>();
  kept.set(client, queues);
  const known = queues.get(queue);
  if (known !== undefined && performance.now() - known.atMs < KEPT_MS) return known.slots;
  const own = hasLabels(labels, requires) ? gates : 0;
  const slots = ask(client, queue).then(
    (seen) => Math.max(seen, own),
    () => (own > 0 ? own : null),
  );
  queues.set(queue, { slots, atMs: performance.now() });
  return slots;
}

async function ask(client: Client, queue: string): Promise<number> {
  const type = Object.fromEntries([['taskQueueType', ACTIVITY_QUEUE]]);
  const { pollers } = await client.connection.withDeadline(Date.now() + CALL_MS, () =>
    client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: queue },
      ...type,
    }),
  );
  const seen = (pollers ?? []).map(({ identity, lastAccessTime }) => ({
    name: identity ?? '',
    atMs: Number(lastAccessTime?.seconds ?? 0) * 1_000,
  }));
  // By the server's clock alone, which this host's may differ from: an idle worker has polled just now.
  return countSlots(seen, Math.max(...seen.map(({ atMs }) => atMs)));
}

/**
 * The slots of pollers that are alive. One whose slots are all taken does not poll: the last one of a host counts
 * although it was not seen lately, an older one of it is taken for dead.
 */
export function countSlots(
  pollers: readonly { readonly name: string; readonly atMs: number }[],
  nowMs: number,
): number {
  const newest = new Map<string, number>();
  for (const { name, atMs } of pollers) newest.set(hostOf(name), Math.max(newest.get(hostOf(name)) ?? 0, atMs));
  return pollers
    .filter(({ name, atMs }) => nowMs - atMs < POLL_MS || atMs === newest.get(hostOf(name)))
    .reduce((sum, { name }) => sum + Number(POLLER.exec(name)?.[2] ?? 0), 0);
}

function hostOf(name: string): string {
  return name.split('@')[0] ?? '';
}
