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
import { Rounds } from './rounds.ts';

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
  readonly #rounds: Rounds;
  /** Said once, until it is back. */
  #isAway = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#rounds = new Rounds(() => this.#report());
  }

  /** Resolves after the first report, whatever became of it: a drained host takes nothing from the start. */
  async start(): Promise<void> {
    this.#rounds.start(await this.#report());
  }

  /** Says that this worker has ended; a ledger that is away is not waited for. */
  async stop(): Promise<void> {
    await this.#rounds.stop();
    await this.#send(true).catch(() => undefined);
  }

  /** @returns the milliseconds until the next report */
  async #report(): Promise<number> {
    const { onDrained, log, everyMs } = this.#options;
    try {
      const drained = await this.#send(false);
      this.#isAway = false;
      if (!this.#rounds.stopped) onDrained(drained);
    } catch (error) {
      if (!this.#isAway) log('this worker could not be reported; it is tried again', { reason: messageOf(error) });
      this.#isAway = true;
    }
    return everyMs;
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
