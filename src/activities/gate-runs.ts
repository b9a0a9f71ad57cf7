/**
 * The gate runs of this process: no more at a time than it has slots, and one that is given up here ends at once.
 * Elsewhere it hears of it with its next heartbeat, and keeps its slot until then.
 */

import type { Running } from './running.ts';

/** Why the processes of such a run end; its workflow is told by the server, which may take a moment longer. */
const GIVEN_UP = new Error('the gate run was given up');

export class GateRuns {
  readonly #slots: Pick<Running, 'run'>;
  readonly #running = new Map<string, AbortController>();

  constructor(slots: Pick<Running, 'run'>) {
    this.#slots = slots;
  }

  /**
   * Runs a body with a signal that fires when the run is canceled or given up.
   *
   * @param runId of the workflow, which has one run at a time; null: it has none
   */
  async during<T>(runId: string | null, canceled: AbortSignal, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (runId === null) return body(canceled);
    const either = new AbortController();
    const pass = (): void => either.abort(canceled.reason);
    if (canceled.aborted) pass();
    else canceled.addEventListener('abort', pass, { once: true });
    this.#running.set(runId, either);
    try {
      return await body(either.signal);
    } finally {
      canceled.removeEventListener('abort', pass);
      if (this.#running.get(runId) === either) this.#running.delete(runId);
    }
  }

  /**
   * Runs a body in a slot: what needs none is done before, and after.
   *
   * @throws NoFreeSlot, or the signal's reason when it fires before
   */
  inSlot<T>(signal: AbortSignal, body: () => Promise<T>): Promise<T> {
    return this.#slots.run(signal, body);
  }

  /** Only once the server has been told: what a run says before that would count. */
  giveUp(runId: string): void {
    this.#running.get(runId)?.abort(GIVEN_UP);
  }
}
