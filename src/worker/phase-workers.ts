/**
 * The pollers of agents and gates: what a drained host stops, and begins again when it is drained no more.
 *
 * It owns these SDK workers, and the count of what runs. Kept true: they are never begun before those that were stopped
 * have ended, so that no more runs than there are slots.
 */

import type { Worker } from '@temporalio/worker';
import type { Slots } from '../core/hosts.ts';
import { messageOf } from '../core/thrown.ts';

export interface PhaseWorkersOptions {
  /** Made anew each time. */
  readonly create: () => Promise<readonly Worker[]>;
  readonly agents: number;
  readonly gates: number;
  /** Told when one of them ends though nobody stopped it; with its error, if it had one. */
  readonly onEnded: (error: unknown) => void;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

type Kind = 'agents' | 'gates';

export class PhaseWorkers {
  readonly #options: PhaseWorkersOptions;
  readonly #used: Record<Kind, number> = { agents: 0, gates: 0 };
  #workers: readonly Worker[] = [];
  #running: Promise<unknown> = Promise.resolve();
  /** One change behind the other. */
  #line: Promise<void> = Promise.resolve();
  #state: 'closed' | 'open' | 'closing' = 'closed';
  #stopped = false;

  constructor(options: PhaseWorkersOptions) {
    this.#options = options;
  }

  /** True while what runs is being ended: it is moved, not blamed. */
  get isDraining(): boolean {
    return this.#state === 'closing';
  }

  slots(): { readonly agents: Slots; readonly gates: Slots } {
    const { agents, gates } = this.#options;
    return { agents: { used: this.#used.agents, total: agents }, gates: { used: this.#used.gates, total: gates } };
  }

  /** Counts what runs. */
  counted<A extends unknown[], T>(kind: Kind, body: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return async (...args) => {
      this.#used[kind] += 1;
      try {
        return await body(...args);
      } finally {
        this.#used[kind] -= 1;
      }
    };
  }

  /** Begins, or is rejected as the first start of a worker is. */
  async open(): Promise<void> {
    const change = this.#line.then(() => this.#open());
    this.#line = change.catch(() => undefined);
    return change;
  }

  /** Begins or stops polling, as asked last; what cannot be begun is asked for again by the next call. */
  setDrained(drained: boolean): void {
    if (this.#stopped || drained !== (this.#state === 'open')) return;
    if (drained) {
      this.#options.log('this host is drained: it takes no phases and no gate runs', { ...this.#used });
      this.#close();
      return;
    }
    if (this.#state === 'closing') return;
    this.#options.log('this host is drained no more', {});
    this.open().catch((error: unknown) =>
      this.#options.log('agents and gates could not be polled for; the next report tries again', {
        reason: messageOf(error),
      }),
    );
  }

  /** For good; resolves when they have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#line;
    if (this.#state === 'open') this.#close();
    await this.#running;
  }

  async #open(): Promise<void> {
    if (this.#stopped || this.#state !== 'closed') return;
    const workers = await this.#options.create();
    this.#workers = workers;
    this.#state = 'open';
    const runs = workers.map((worker) =>
      worker.run().then(
        () => this.#onEnded(null),
        (error: unknown) => this.#onEnded(error),
      ),
    );
    this.#running = Promise.all(runs).then(() => {
      this.#workers = [];
      this.#state = 'closed';
    });
    // Stopped while it was made.
    if (this.#stopped) this.#close();
  }

  #close(): void {
    this.#state = 'closing';
    for (const worker of this.#workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  }

  #onEnded(error: unknown): void {
    if (this.#state === 'closing' && error === null) return;
    this.#options.onEnded(error);
  }
}
