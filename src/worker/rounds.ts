/**
 * Does the same again and again beside a worker's activities: a round begins some time after the last one has ended, so that
 * there is one at a time, and none keeps the process alive.
 */
export class Rounds {
  readonly #round: () => Promise<number>;
  #timer: NodeJS.Timeout | null = null;
  #going: Promise<void> = Promise.resolve();
  #stopped = false;

  /** @param round gives the milliseconds until the next one; what fails it tells by itself, and goes on */
  constructor(round: () => Promise<number>) {
    this.#round = round;
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  start(waitMs = 0): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#going = this.#round().then((nextMs) => this.start(nextMs));
    }, waitMs);
    this.#timer.unref();
  }

  /** Resolves when the round that is under way has ended; none begins after it. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#going;
  }
}
