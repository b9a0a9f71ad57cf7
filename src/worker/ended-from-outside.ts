/**
 * Finds tasks whose workflows were terminated: these could tell nobody. The ledger is told, and the task that waited for
 * a question's answer.
 *
 * It owns how far it has looked, by the server's clock. What it does may be done twice, and by several workers. A run that was only set
 * back is closed as terminated too: the task's latest run tells the two apart.
 */

import type { Client } from '@temporalio/client';
import { taskIdOfWorkflow, workflowIds, type TaskId } from '../core/ids.ts';
import { UNKNOWN_ACTOR } from '../core/replies.ts';
import type { LedgerWriter } from '../ledger/types.ts';
import { detailQuery, releaseSignal } from '../workflows/messages.ts';

/** Visibility may be late, and a worker may have been away. */
const OVERLAP_MS = 10 * 60_000;
const FIRST_LOOK_BACK_MS = 24 * 60 * 60_000;
const MAX_A_LOOK = 1_000;
const ASK_WITHIN_MS = 10_000;

export interface EndedFromOutsideOptions {
  readonly client: Client;
  readonly ledger: Pick<LedgerWriter, 'endFromOutside'>;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
  readonly everyMs: number;
}

export class EndedFromOutside {
  readonly #options: EndedFromOutsideOptions;
  readonly #done = new Set<string>();
  #sinceMs = Date.now() - FIRST_LOOK_BACK_MS;
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(options: EndedFromOutsideOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next(0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#looking;
  }

  #next(waitMs: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look()
        .catch((error: unknown) =>
          this.#options.log('tasks that were ended from outside are looked for again', { reason: String(error) }),
        )
        .finally(() => this.#next(this.#options.everyMs));
    }, waitMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const { client } = this.#options;
    const since = new Date(this.#sinceMs).toISOString();
    const query = `WorkflowType = 'task' AND ExecutionStatus = 'Terminated' AND CloseTime > '${since}'`;
    let looked = 0;
    let latestMs = this.#sinceMs;
    for await (const { workflowId, runId, closeTime } of client.workflow.list({ query })) {
      looked += 1;
      latestMs = Math.max(latestMs, (closeTime?.getTime() ?? 0) - OVERLAP_MS);
      if (this.#stopped || looked > MAX_A_LOOK) return;
      const id = taskIdOfWorkflow(workflowId);
      if (id === null || this.#done.has(runId)) continue;
      await this.#tell(id);
      this.#done.add(runId);
    }
    this.#sinceMs = latestMs;
  }

  async #tell(id: TaskId): Promise<void> {
    const { client, ledger } = this.#options;
    const handle = client.workflow.getHandle(workflowIds.task(id));
    const { status, closeTime } = await handle.describe();
    if (status.name !== 'TERMINATED') return;
    await ledger.endFromOutside(id, (closeTime ?? new Date()).toISOString());
    const asked = () => handle.query(detailQuery);
    const { spec } = await client.connection.withDeadline(Date.now() + ASK_WITHIN_MS, asked);
    if (spec.blocks === null) return;
    const text = 'nobody answered (the question was ended from outside)';
    const message = { by: id, text, actor: UNKNOWN_ACTOR };
    // The task that waited may have ended meanwhile: then nobody has to be told.
    await client.workflow
      .getHandle(workflowIds.task(spec.blocks))
      .signal(releaseSignal, message)
      .catch(() => undefined);
  }
}
