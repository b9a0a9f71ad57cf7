/**
 * Whether this worker is the only one that runs gates: what waits here for a slot could begin nowhere else then.
 *
 * It owns what was seen last. It asks when it is told to alone, so that a worker at rest asks nobody.
 */

import type { Client } from '@temporalio/client';
import { gateSlots } from './gate-slots.ts';

export class OnlyGates {
  readonly #client: Client;
  readonly #own: { readonly gates: number; readonly labels: readonly string[] };
  #isOnly = false;

  constructor(client: Client, own: { readonly gates: number; readonly labels: readonly string[] }) {
    this.#client = client;
    this.#own = own;
  }

  /** As it was seen last; false before the first look. */
  get isOnly(): boolean {
    return this.#isOnly;
  }

  /** Of the queue that all who run gates poll, whatever labels they have. */
  async look(): Promise<boolean> {
    this.#isOnly = (await gateSlots(this.#client, this.#own, [])) === this.#own.gates;
    return this.#isOnly;
  }
}
