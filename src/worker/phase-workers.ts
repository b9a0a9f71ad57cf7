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
  /** The poller of one more queue. */
  readonly createFor: (kind: SlotKind, queue: string) => Promise<Worker>;
  readonly agents: number;
  readonly gates: number;
  /** Told when one of them ends though nobody stopped it; with its error, if it had one. */
  readonly onEnded: (error: unknown) => void;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export type SlotKind = 'agents' | 'gates';

export class PhaseWorkers {
  readonly #options: PhaseWorkersOptions;
  readonly #used: Record<SlotKind, number> = { agents: 0, gates: 0 };
  readonly #workers = new Set<Worker>();
  #runs: readonly Promise<void>[] = [];
  /** The queues that were asked for beside those that are always polled. */
  readonly #queues = new Map<string, SlotKind>();
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
    // One that was taken too many waits for a slot.
    const used = (kind: SlotKind, total: number) => ({ used: Math.min(this.#used[kind], total), total });
    return { agents: used('agents', agents), gates: used('gates', gates) };
  }

  /** Counts what runs. */
  counted<A extends unknown[], T>(kind: SlotKind, body: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
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

  /** Polls one more queue from now on: at once, or when the host is drained no more. */
  serve(kind: SlotKind, queue: string): void {
    if (this.#queues.has(queue) || this.#options[kind] === 0) return;
    this.#queues.set(queue, kind);
    this.#line = this.#line
      .then(() => this.#openOne(kind, queue))
      .catch((error: unknown) => {
        this.#queues.delete(queue);
        this.#options.log('a queue could not be polled; it is tried again', { queue, reason: messageOf(error) });
      });
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
    await Promise.all(this.#runs);
  }

  async #open(): Promise<void> {
    if (this.#stopped || this.#state !== 'closed') return;
    const { create, createFor } = this.#options;
    const made = await Promise.all([create(), ...[...this.#queues].map(([queue, kind]) => createFor(kind, queue))]);
    this.#state = 'open';
    this.#runs = made.flat().map((worker) => this.#run(worker));
    // Stopped while it was made.
    if (this.#stopped) this.#close();
  }

  async #openOne(kind: SlotKind, queue: string): Promise<void> {
    if (this.#stopped || this.#state !== 'open') return;
    const worker = await this.#options.createFor(kind, queue);
    this.#runs = [...this.#runs, this.#run(worker)];
    // Drained or stopped while it was made.
    if (this.#state !== 'open' || this.#stopped) worker.shutdown();
  }

  async #run(worker: Worker): Promise<void> {
    this.#workers.add(worker);
    const error = await worker.run().then(
      () => null,
      (reason: unknown) => reason,
    );
    this.#onEnded(error);
    this.#workers.delete(worker);
    if (this.#workers.size === 0) this.#state = 'closed';
  }

  #close(): void {
    this.#state = this.#workers.size === 0 ? 'closed' : 'closing';
    for (const worker of this.#workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  }

  #onEnded(error: unknown): void {
    if (this.#state === 'closing' && error === null) return;
    this.#options.onEnded(error);
  }
}
