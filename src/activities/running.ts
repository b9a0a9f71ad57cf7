/**
 * How many attempts run in this process at a time: a worker that polls several queues may have taken some more than it has
 * slots, and those wait here for a slot to become free, with their heartbeats.
 */

export class Running {
  readonly #most: number;
  #running = 0;
  #waiters: readonly (() => void)[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#running;
  }

  /** Runs a body within the limit, in the order of the calls. @throws the signal's reason when it fires before */
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
      const go = (): void => {
        signal.removeEventListener('abort', abort);
        resolve();
      };
      const abort = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== go);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
      this.#waiters = [...this.#waiters, go];
    });
  }

  #handOn(): void {
    const [first, ...others] = this.#waiters;
    this.#waiters = others;
    if (first === undefined) this.#running -= 1;
    else first();
  }
}
