/** Where a task's next phase is offered first: to the host that has its workspace, when there are others at all. */

import type { Client } from '@temporalio/client';
import { labelKey } from '../core/labels.ts';

// Spelled out, since activities may not import workflows; test/activities compares them with workflows/messages.ts.
export const QUEUES = {
  agents: (requires: readonly string[]): string => (requires.length === 0 ? 'agents' : `agents/${labelKey(requires)}`),
  host: (host: string, requires: readonly string[]): string =>
    requires.length === 0 ? `host/${host}` : `host/${host}/${labelKey(requires)}`,
  gates: (requires: readonly string[]): string => (requires.length === 0 ? 'gates' : `gates/${labelKey(requires)}`),
};
// temporal.api.enums.v1.TaskQueueType, by number: the client's package does not export the enumeration itself.
const ACTIVITY_QUEUE = 2;
/** A host that is new is soon known; one that has gone costs a moment's offer. */
const KEPT_MS = { others: 30_000, none: 5_000 };
const CALL_MS = 1_000;

interface Kept {
  readonly others: Promise<boolean>;
  untilMs: number;
}

export interface NearOptions {
  readonly client: Client;
  readonly hostId: string;
  /** Has one more queue polled by this worker; it may be asked again. */
  readonly serve: (queue: string) => void;
}

/** It owns what it was told last of each queue. */
export class Near {
  readonly #options: NearOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: NearOptions) {
    this.#options = options;
  }

  /** This host's queue for phases that require these labels, polled from now on; null when no other host takes any. */
  async queue(requires: readonly string[]): Promise<string | null> {
    const { hostId, serve } = this.#options;
    if (!(await this.#hasOthers(QUEUES.agents(requires)))) return null;
    const queue = QUEUES.host(hostId, requires);
    serve(queue);
    return queue;
  }

  #hasOthers(queue: string): Promise<boolean> {
    const known = this.#kept.get(queue);
    if (known !== undefined && performance.now() < known.untilMs) return known.others;
    // A server that does not say: the workspace is made anew wherever the phase comes to.
    const others = this.#ask(queue).catch(() => false);
    const kept: Kept = { others, untilMs: performance.now() + KEPT_MS.none };
    void others.then((isTrue) => (kept.untilMs = performance.now() + (isTrue ? KEPT_MS.others : KEPT_MS.none)));
    this.#kept.set(queue, kept);
    return others;
  }

  async #ask(queue: string): Promise<boolean> {
    const { client, hostId } = this.#options;
    const type = Object.fromEntries([['taskQueueType', ACTIVITY_QUEUE]]);
    const { pollers } = await client.connection.withDeadline(Date.now() + CALL_MS, () =>
      client.workflowService.describeTaskQueue({
        namespace: client.options.namespace,
        taskQueue: { name: queue },
        ...type,
      }),
    );
    return (pollers ?? []).some(({ identity }) => (identity ?? '').split('@')[0] !== hostId);
  }
}
