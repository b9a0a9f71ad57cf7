/** What the suite does as the tasks' person: answers, cancels and gives up, once it sees in the ledger that it is asked. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { LedgerReader } from '../../src/ledger/types.ts';
import { signalOf } from '../../src/workflows/messages.ts';
import type { Submitted } from './submitting.ts';

const LOOK_EVERY_MS = 250;

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

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#looking;
  }

  /** Bounded by `stop`. A server that is away is asked again. */
  async #look(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      for (const one of this.#open.values()) {
        const done = await this.#act(one).catch(() => false);
        if (done) this.#open.delete(one.id);
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #act({ id, person }: Submitted): Promise<boolean> {
    const view = await this.#ledger.readTask(id);
    if (view === null) return false;
    const handle = this.#client.workflow.getHandle(workflowIds.task(id));
    const waiting = view.waitingFor?.kind;
    if (person === 'answers' && waiting === 'question') {
      await handle.signal(signalOf('answer'), { messageId: `answer-${id}`, actor: 'Ada', text: 'yes' });
      return true;
    }
    if ((person === 'cancels' && view.state === 'running') || (person === 'gives-up' && waiting === 'attempts')) {
      await handle.cancel();
      return true;
    }
    return false;
  }
}
