/** What the suite does as the tasks' person: answers, cancels and gives up, once it sees in the ledger that it is asked. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { LedgerReader } from '../../src/ledger/types.ts';
import { signalOf } from '../../src/workflows/messages.ts';
import type { Submitted } from './submitting.ts';

const LOOK_EVERY_MS = 250;
/** A server that is killed just then may never answer. */
const CALL_LIMIT_MS = 5_000;

export class People {
  readonly #client: Client;
  readonly #ledger: LedgerReader;
  readonly #open = new Map<TaskId, Submitted>();
  readonly #stopped = new AbortController();
  #looking: Promise<void> | null = null;

  constructor(client: Client, ledger: LedgerReader) {
    this.#client = client;
    this.#ledger = ledger;
  }

  add(submitted: readonly Submitted[]): void {
    for (const one of submitted) if (one.person !== 'none') this.#open.set(one.id, one);
    this.#looking ??= this.#look();
  }

  /** Those for whom it has not acted yet. */
  get waiting(): readonly TaskId[] {
    return [...this.#open.keys()];
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#looking;
  }

  /** Bounded by `stop`. A server that is away is asked again. */
  async #look(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      for (const one of this.#open.values()) {
        const act = () => this.#act(one);
        const done = await this.#client.withDeadline(Date.now() + CALL_LIMIT_MS, act).catch(() => false);
        if (done) this.#open.delete(one.id);
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #act({ id, person }: Submitted): Promise<boolean> {
    const handle = this.#client.workflow.getHandle(workflowIds.task(id));
    if (person === 'cancels') {
      // Of a phase that began while the ledger was away that tells only when it is over.
      const { raw } = await handle.describe();
      if ((raw.pendingActivities ?? []).length === 0) return false;
      await handle.cancel();
      return true;
    }
    const waiting = (await this.#ledger.readTask(id))?.waitingFor?.kind;
    if (person === 'answers' && waiting === 'question') {
      await handle.signal(signalOf('answer'), { messageId: `answer-${id}`, actor: 'Ada', text: 'yes' });
      return true;
    }
    if (person === 'gives-up' && waiting === 'attempts') {
      await handle.cancel();
      return true;
    }
    return false;
  }
}
