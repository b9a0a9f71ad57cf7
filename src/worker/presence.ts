/**
 * Reports this worker to the ledger every few seconds, and learns whether its host is drained.
 *
 * It owns the last report's time. A ledger that is away says nothing: the worker stays as it is.
 */

import { availableParallelism, loadavg } from 'node:os';
import type { Slots, WorkerReport } from '../core/hosts.ts';
import type { WorkspacesReport } from '../core/relief.ts';
import { messageOf } from '../core/thrown.ts';
import type { LedgerWriter } from '../ledger/types.ts';

export interface PresenceOptions {
  readonly ledger: Pick<LedgerWriter, 'reportWorker'>;
  readonly worker: Pick<WorkerReport, 'host' | 'worker' | 'version' | 'build' | 'labels'>;
  readonly slots: () => { readonly agents: Slots; readonly gates: Slots };
  readonly freeBytes: () => number;
  /** Null: not known yet. */
  readonly workspaces: () => WorkspacesReport | null;
  /** Told after each report that was taken. */
  readonly onDrained: (drained: boolean) => void;
  readonly everyMs: number;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Presence {
  readonly #options: PresenceOptions;
  #timer: NodeJS.Timeout | null = null;
  #reporting: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Said once, until it is back. */
  #isAway = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Resolves after the first report, whatever became of it: a drained host takes nothing from the start. */
  async start(): Promise<void> {
    await this.#report();
    this.#next();
  }

  /** Says that this worker has ended; a ledger that is away is not waited for. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#reporting;
    await this.#send(true).catch(() => undefined);
  }

  #next(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#reporting = this.#report().finally(() => this.#next());
    }, this.#options.everyMs);
    this.#timer.unref();
  }

  async #report(): Promise<void> {
    const { onDrained, log } = this.#options;
    try {
      const drained = await this.#send(false);
      this.#isAway = false;
      if (!this.#stopped) onDrained(drained);
    } catch (error) {
      if (!this.#isAway) log('this worker could not be reported; it is tried again', { reason: messageOf(error) });
      this.#isAway = true;
    }
  }

  async #send(stopped: boolean): Promise<boolean> {
    const { ledger, worker, slots, freeBytes, workspaces } = this.#options;
    const seen = workspaces();
    const load = Math.round((loadavg()[0] ?? 0) * 100) / 100;
    const report = {
      ...worker,
      ...slots(),
      load,
      cores: availableParallelism(),
      freeBytes: freeBytes(),
      ...(seen === null ? {} : { workspaces: seen }),
    };
    return ledger.reportWorker(report, stopped);
  }
}
