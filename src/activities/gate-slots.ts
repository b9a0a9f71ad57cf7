/** How many gates can run at the same time: each worker says its own number in the name that it polls by. */

import type { Client } from '@temporalio/client';
import { GATE } from './gate-start.ts';

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

const kept = new WeakMap<Client, Kept>();

/** The gate slots of all workers that polled within the last minutes; null when the server does not say. */
export function gateSlots(client: Client, own: number): Promise<number | null> {
  const known = kept.get(client);
  if (known !== undefined && performance.now() - known.atMs < KEPT_MS) return known.slots;
  const slots = ask(client).then(
    (seen) => Math.max(seen, own),
    () => (own > 0 ? own : null),
  );
  kept.set(client, { slots, atMs: performance.now() });
  return slots;
}

async function ask(client: Client): Promise<number> {
  const type = Object.fromEntries([['taskQueueType', ACTIVITY_QUEUE]]);
  const { pollers } = await client.connection.withDeadline(Date.now() + CALL_MS, () =>
    client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: GATE.taskQueue },
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
