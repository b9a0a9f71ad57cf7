/**
 * How many attempts, or gate runs, this process has at a time: a worker may take some more than it has slots. Those wait here
 * for a moment, and are then given back to whoever has a slot; the first of them stays for as long as nobody else could have one.
 */

const PATIENCE_MS = 1_000;

/** That there was no slot for it within a moment. */
export class NoFreeSlot extends Error {
  override readonly name = 'NoFreeSlot';
}

export interface RunningOptions {
  /** How long a moment is, in milliseconds. */
  readonly patienceMs?: number;
  readonly mayStay?: () => Promise<boolean>;
}

const never = (): Promise<boolean> => Promise.resolve(false);

export class Running {
  readonly #most: number;
  readonly #patienceMs: number;
  readonly #mayStay: () => Promise<boolean>;
  #running = 0;
  #waiters: readonly (() => void)[] = [];

  /** @param options.mayStay whether the first that waits may go on to, asked after each moment: never, when it is left out */
  constructor(most: number, { patienceMs = PATIENCE_MS, mayStay = never }: RunningOptions = {}) {
    this.#most = most;
    this.#patienceMs = patienceMs;
    this.#mayStay = mayStay;
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
      let patience: NodeJS.Timeout;
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
      const giveBack = (): void => {
        leave();
        reject(new NoFreeSlot('all slots of this worker are taken'));
      };
      const stayOrGo = (mayStay: boolean): void => {
        // A place may have come, or the signal, while it was asked.
        if (!this.#waiters.includes(go)) return;
        if (mayStay) patience = setTimeout(onImpatient, this.#patienceMs);
        else giveBack();
      };
      const onImpatient = (): void => {
        if (this.#waiters[0] === go) this.#mayStay().then(stayOrGo, giveBack);
        else giveBack();
      };
      patience = setTimeout(onImpatient, this.#patienceMs);
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
