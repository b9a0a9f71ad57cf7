/**
 * Finds tasks whose workflows were terminated: these could tell nobody. The ledger is told, and the task that waited for
 * a question's answer.
 *
 * It owns how far it has looked, by the server's clock, and which runs it has told of. What it does may be done twice, and by
 * several workers. A run that was only set back is closed as terminated too: the task's latest run tells the two apart. Kept
 * true: one that cannot be told keeps the others from nothing.
 */

import type { Client } from '@temporalio/client';
import { taskIdOfWorkflow, workflowIds, type TaskId } from '../core/ids.ts';
import { UNKNOWN_ACTOR } from '../core/replies.ts';
import { messageOf } from '../core/thrown.ts';
import { LedgerUnavailable, type LedgerWriter } from '../ledger/types.ts';
import { detailQuery, releaseSignal } from '../workflows/messages.ts';
import { Rounds } from './rounds.ts';

/** Visibility may be late, and a worker may have been away. */
const OVERLAP_MS = 10 * 60_000;
const FIRST_LOOK_BACK_MS = 24 * 60 * 60_000;
const MAX_A_LOOK = 1_000;
/** One that cannot be told of is tried again so often, look by look. */
const MAX_TRIES = 60;
const ASK_WITHIN_MS = 10_000;

export interface EndedFromOutsideOptions {
  readonly client: Client;
  readonly ledger: Pick<LedgerWriter, 'endFromOutside'>;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
  readonly everyMs: number;
  /** Tasks that one look tells of at the most; left out: a thousand. */
  readonly mostALook?: number;
}

/** What became of a run that was ended from outside. */
interface Known {
  readonly closedMs: number;
  /** Null: everybody was told, or it was given up. */
  readonly tries: number | null;
}

export class EndedFromOutside {
  readonly #options: EndedFromOutsideOptions;
  readonly #known = new Map<string, Known>();
  #sinceMs = Date.now() - FIRST_LOOK_BACK_MS;
  readonly #rounds: Rounds;

  constructor(options: EndedFromOutsideOptions) {
    this.#options = options;
    this.#rounds = new Rounds(async () => {
      await this.#look().catch((error: unknown) =>
        options.log('tasks that were ended from outside are looked for again', { reason: String(error) }),
      );
      return options.everyMs;
    });
  }

  start(): void {
    this.#rounds.start();
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  async #look(): Promise<void> {
    const { client, mostALook = MAX_A_LOOK } = this.#options;
    const since = new Date(this.#sinceMs).toISOString();
    const query = `WorkflowType = 'task' AND ExecutionStatus = 'Terminated' AND CloseTime > '${since}'`;
    let looked = 0;
    let isWhole = true;
    let latestMs = this.#sinceMs;
    for await (const { workflowId, runId, closeTime } of client.workflow.list({ query })) {
      const closedMs = closeTime?.getTime() ?? 0;
      latestMs = Math.max(latestMs, closedMs - OVERLAP_MS);
      const id = taskIdOfWorkflow(workflowId);
      const tries = this.#known.get(runId)?.tries;
      if (id === null || tries === null) continue;
      if (this.#rounds.stopped || looked >= mostALook) return;
      looked += 1;
      const problem = await this.#tried(id);
      const left = problem === null ? null : this.#again(id, (tries ?? 0) + 1, problem);
      this.#known.set(runId, { closedMs, tries: left });
      isWhole &&= left === null;
    }
    if (!isWhole) return;
    this.#sinceMs = latestMs;
    for (const [runId, { closedMs }] of this.#known) if (closedMs < latestMs) this.#known.delete(runId);
  }

  /** Why not everybody could be told, by what lies with this task; null: all were. @throws LedgerUnavailable */
  async #tried(id: TaskId): Promise<string | null> {
    try {
      await this.#tell(id);
      return null;
    } catch (error) {
      if (error instanceof LedgerUnavailable) throw error;
      return messageOf(error);
    }
  }

  /** How often it has been tried; null: no more. Told the first time and the last. */
  #again(id: TaskId, tries: number, reason: string): number | null {
    const isLast = tries >= MAX_TRIES;
    if (tries === 1 || isLast) {
      const what = isLast ? 'is given up' : 'is tried again';
      this.#options.log(`a task was ended from outside, and not all could be told; it ${what}`, { id, reason });
    }
    return isLast ? null : tries;
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
