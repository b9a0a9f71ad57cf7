/**
 * One pool of slots for the pollers of several task queues: the agents of one worker process.
 *
 * It owns which permits are used and which queues have an unused one. Kept true: a permit counts once it is used, since
 * one that is only polled with may be held for a minute by a queue in which nothing waits; each of several queues has one
 * unused permit at a time, and none while all slots are used. So as many more than there are slots may be taken as there are
 * queues but one, and while a queue is new some more, and those that are taken ahead: `Running` holds these back.
 */

import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';

interface Permit extends SlotPermit {
  readonly queue: string;
  state: 'unused' | 'used' | 'released';
}

interface Waiter {
  readonly queue: string;
  readonly signal: AbortSignal;
  readonly grant: () => void;
}

export class SlotPool {
  readonly #slots: number;
  readonly #ahead: () => number;
  #used = 0;
  /** The unused permits of each queue. */
  readonly #polling = new Map<string, number>();
  #waiters: readonly Waiter[] = [];

  /** @param ahead how many more may be taken than there are slots, as it is now */
  constructor(slots: number, ahead: () => number = () => 0) {
    this.#slots = slots;
    this.#ahead = ahead;
  }

  /** Of one queue's poller. */
  supplier(queue: string): CustomSlotSupplier<ActivitySlotInfo> {
    this.#polling.set(queue, this.#polling.get(queue) ?? 0);
    return {
      type: 'custom',
      reserveSlot: (_context, signal) => this.#reserve(queue, signal),
      // For what a workflow's own worker would run at once: phases are not.
      tryReserveSlot: () => null,
      markSlotUsed: ({ permit }) => this.#markUsed(permit as Permit),
      releaseSlot: ({ permit }) => this.#release(permit as Permit),
    };
  }

  async #reserve(queue: string, signal: AbortSignal): Promise<Permit> {
    signal.throwIfAborted();
    if (this.#mayPoll(queue)) return this.#permit(queue, signal);
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        // The reason itself: the SDK takes anything else for a fault.
        reject(signal.reason as Error);
      };
      const waiter: Waiter = {
        queue,
        signal,
        grant: () => {
          signal.removeEventListener('abort', abort);
          resolve(this.#permit(queue, signal));
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters = [...this.#waiters, waiter];
    });
  }

  #mayPoll(queue: string): boolean {
    const unused = this.#polling.get(queue) ?? 0;
    // One queue alone polls for all the slots that are free.
    const total = this.#slots + this.#ahead();
    const most = this.#polling.size === 1 ? total - this.#used : 1;
    return this.#used < total && unused < most;
  }

  /** The signal may fire while the permit is on its way: nobody else would give it back. */
  #permit(queue: string, signal: AbortSignal): Permit {
    this.#poll(queue, 1);
    const permit: Permit = { queue, state: 'unused' };
    signal.addEventListener('abort', () => this.#release(permit), { once: true });
    return permit;
  }

  #poll(queue: string, change: number): void {
    this.#polling.set(queue, (this.#polling.get(queue) ?? 0) + change);
  }

  #markUsed(permit: Permit): void {
    if (permit.state !== 'unused') return;
    permit.state = 'used';
    this.#used += 1;
    this.#poll(permit.queue, -1);
    this.#grant();
  }

  #release(permit: Permit): void {
    if (permit.state === 'released') return;
    if (permit.state === 'used') this.#used -= 1;
    else this.#poll(permit.queue, -1);
    permit.state = 'released';
    this.#grant();
  }

  /** To those that wait, in their order. */
  #grant(): void {
    for (const waiter of this.#waiters) {
      if (waiter.signal.aborted || !this.#mayPoll(waiter.queue)) continue;
      this.#waiters = this.#waiters.filter((other) => other !== waiter);
      waiter.grant();
    }
  }
}
