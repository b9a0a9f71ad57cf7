/**
 * How many attempts run in this process at a time: a worker that polls several queues may take some more than it has slots.
 * Those wait here for a moment, and are then given back to whoever has a slot.
 */

const PATIENCE_MS = 1_000;

/** That there was no slot for it within a moment. */
export class NoFreeSlot extends Error {
  override readonly name = 'NoFreeSlot';
}

export class Running {
  readonly #most: number;
  readonly #patienceMs: number;
  #running = 0;
  #waiters: readonly (() => void)[] = [];

  constructor(most: number, patienceMs = PATIENCE_MS) {
    this.#most = most;
    this.#patienceMs = patienceMs;
  }

  get count(): number {
    return this.#running;
  }

  /**
   * Runs a body within the limit, in the order of the calls.
   *
   * @throws NoFreeSlot, or the signal's reason when it fires before
   */
  async run<T>(signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.#running < this.#most) this.#running += 1;
    else await this.#wait(signal);
    try {
      return await body();
    } finally {
      this.#handOn();
    }
  }

  /** Whoever ends hands its place on, so that nobody comes between. */
  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(patience);
        signal.removeEventListener('abort', abort);
        this.#waiters = this.#waiters.filter((other) => other !== go);
      };
      const go = (): void => {
        leave();
        resolve();
      };
      const abort = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      const patience = setTimeout(() => {
        leave();
        reject(new NoFreeSlot('all slots of this worker are taken'));
      }, this.#patienceMs);
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters = [...this.#waiters, go];
    });
  }

  #handOn(): void {
    const [first] = this.#waiters;
    if (first === undefined) this.#running -= 1;
    else first();
  }
}
