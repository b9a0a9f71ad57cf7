/**
 * Finds the sets of labels that open tasks and gate runs require, and has this worker poll the queues of those that it has.
 *
 * It owns the sets that it has come across. A set is heard of at once when this worker records one of its tasks or starts such a run, and found
 * by Temporal's visibility otherwise: so that it is found whichever worker records, and while the ledger is away (N9).
 * Nobody waits for it: a set that is found late has its tasks wait that long in their queue (N1).
 */

import type { Client } from '@temporalio/client';
import { hasLabels, labelKey, labelsOfKey } from '../core/labels.ts';
import { messageOf } from '../core/thrown.ts';
import type { Pollers } from './pollers.ts';
import { Rounds } from './rounds.ts';
import { agentsQueue, gatesQueue } from '../workflows/messages.ts';

/** Each is named in the query that looks for others. */
const MAX_KNOWN = 200;

export interface LabelQueuesOptions {
  readonly client: Client;
  /** Of this worker. */
  readonly labels: readonly string[];
  /** Has one more queue polled; it may be asked again. */
  readonly serve: Pollers['serve'];
  readonly everyMs: number;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class LabelQueues {
  readonly #options: LabelQueuesOptions;
  readonly #known = new Set<string>();
  readonly #rounds: Rounds;
  /** Said once, until it goes again. */
  #failed = false;

  constructor(options: LabelQueuesOptions) {
    this.#options = options;
    this.#rounds = new Rounds(async () => {
      await this.#look();
      return options.everyMs;
    });
  }

  /** Looks now and then. Of a worker without labels there is nothing to find. */
  start(): void {
    if (this.#options.labels.length > 0) this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** A task was recorded, or a gate run started, that requires these. */
  onRequired(requires: readonly string[]): void {
    if (requires.length === 0 || this.#options.labels.length === 0) return;
    const key = labelKey(requires);
    this.#know(key);
    this.#serve(key);
  }

  #serve(key: string): void {
    const { labels, serve } = this.#options;
    const requires = labelsOfKey(key);
    if (requires === null || !hasLabels(labels, requires)) return;
    serve('agents', agentsQueue(requires));
    serve('gates', gatesQueue(requires));
  }

  async #look(): Promise<void> {
    try {
      // A queue that could not be polled is tried again.
      for (const key of this.#known) this.#serve(key);
      for (let found = await this.#another(); found !== null; found = await this.#another()) {
        this.#know(found);
        this.#serve(found);
      }
      this.#failed = false;
    } catch (error) {
      if (!this.#failed)
        this.#options.log('what labels tasks require could not be looked up; it is tried again', {
          reason: messageOf(error),
          next: 'if Requires is no search attribute yet: tasks setup',
        });
      this.#failed = true;
    }
  }

  /** A set of an open task or gate run that is not known; null when there is none. */
  async #another(): Promise<string | null> {
    if (this.#rounds.stopped || this.#known.size >= MAX_KNOWN) return null;
    // What names a set is made of characters that need no escape; anything else was not written by a task.
    const known = [...this.#known].map((key) => `'${key.replaceAll("'", '')}'`);
    const others = known.length === 0 ? '' : ` AND Requires NOT IN (${known.join(', ')})`;
    const query = `WorkflowType IN ('task', 'gate') AND ExecutionStatus = 'Running' AND Requires IS NOT NULL${others}`;
    for await (const { searchAttributes } of this.#options.client.workflow.list({ query, pageSize: 1 })) {
      const value: unknown = searchAttributes['Requires']?.[0];
      return typeof value === 'string' && !this.#known.has(value) ? value : null;
    }
    return null;
  }

  #know(key: string): void {
    if (this.#known.size < MAX_KNOWN) this.#known.add(key);
  }
}
