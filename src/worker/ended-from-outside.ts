/**
 * Finds tasks whose workflows were terminated: these could tell nobody. The ledger is told, and the task that waited for
 * a question's answer.
 *
 * It owns how far it has looked, by the server's clock, and which runs it has told of. What it does may be done twice, and by
 * several workers. A run that was only set back is closed as terminated too: the task's latest run tells the two apart, and it is
 * seen to that a cancel was not lost by it. Kept true: one that cannot be told keeps the others from nothing.
 */

import type { Client } from '@temporalio/client';
import { taskIdOfWorkflow, workflowIds, type TaskId } from '../core/ids.ts';
import { UNKNOWN_ACTOR } from '../core/replies.ts';
import { messageOf } from '../core/thrown.ts';
import { LedgerUnavailable, type LedgerReader, type LedgerWriter } from '../ledger/types.ts';
import { detailQuery, releaseSignal } from '../workflows/messages.ts';
import { askAgain } from './lost-cancel.ts';
import { Rounds } from './rounds.ts';

/** Visibility may be late. */
const OVERLAP_MS = 10 * 60_000;
/**
 * What was ended this long before this worker began is left to the worker that was there then, if the ledger has its end; later on
 * that one may have told the ledger, and died before it told the others.
 */
const LEFT_TO_OTHERS_MS = 24 * 60 * 60_000;
/** So many are read from the ledger at once. */
const READ_AT_ONCE = 1_000;
const MAX_A_LOOK = 1_000;
/** One that cannot be told of is tried again so often, look by look. */
const MAX_TRIES = 60;
const ASK_WITHIN_MS = 10_000;

export interface EndedFromOutsideOptions {
  readonly client: Client;
  readonly ledger: Pick<LedgerWriter, 'endFromOutside'> & Pick<LedgerReader, 'readTasks'>;
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

interface Run {
  readonly id: TaskId;
  readonly runId: string;
  readonly closedMs: number;
}

export class EndedFromOutside {
  readonly #options: EndedFromOutsideOptions;
  readonly #known = new Map<string, Known>();
  readonly #leftBeforeMs = Date.now() - LEFT_TO_OTHERS_MS;
  /** First all that Temporal keeps: nobody knows for how long no worker was there. */
  #sinceMs = 0;
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
    const { mostALook = MAX_A_LOOK } = this.#options;
    const runs = await this.#closedSince(this.#sinceMs);
    await this.#leaveToOthers(runs);
    let looked = 0;
    let isWhole = true;
    let latestMs = this.#sinceMs;
    for (const { id, runId, closedMs } of runs) {
      latestMs = Math.max(latestMs, closedMs - OVERLAP_MS);
      const tries = this.#known.get(runId)?.tries;
      if (tries === null) continue;
      if (this.#rounds.stopped || looked >= mostALook) return;
      looked += 1;
      const problem = await this.#tried(id, runId);
      const left = problem === null ? null : this.#again(id, (tries ?? 0) + 1, problem);
      this.#known.set(runId, { closedMs, tries: left });
      isWhole &&= left === null;
    }
    if (!isWhole) return;
    this.#sinceMs = latestMs;
    for (const [runId, { closedMs }] of this.#known) if (closedMs < latestMs) this.#known.delete(runId);
  }

  async #closedSince(ms: number): Promise<readonly Run[]> {
    const since = new Date(ms).toISOString();
    const query = `WorkflowType = 'task' AND ExecutionStatus = 'Terminated' AND CloseTime > '${since}'`;
    const runs: Run[] = [];
    for await (const { workflowId, runId, closeTime } of this.#options.client.workflow.list({ query })) {
      const id = taskIdOfWorkflow(workflowId);
      if (id !== null) runs.push({ id, runId, closedMs: closeTime?.getTime() ?? 0 });
    }
    return runs;
  }

  /** Of all that was ever ended from outside most was told of long ago: the ledger is asked, many at once. */
  async #leaveToOthers(runs: readonly Run[]): Promise<void> {
    const old = runs.filter(({ runId, closedMs }) => closedMs < this.#leftBeforeMs && !this.#known.has(runId));
    for (let at = 0; at < old.length && !this.#rounds.stopped; at += READ_AT_ONCE) {
      const part = old.slice(at, at + READ_AT_ONCE);
      const tasks = await this.#options.ledger.readTasks(part.map(({ id }) => id));
      const ended = new Set(tasks.flatMap(({ id, endedAt }) => (endedAt === null ? [] : [id])));
      for (const { id, runId, closedMs } of part) if (ended.has(id)) this.#known.set(runId, { closedMs, tries: null });
    }
  }

  /** Why not everybody could be told, by what lies with this task; null: all were. @throws LedgerUnavailable */
  async #tried(id: TaskId, runId: string): Promise<string | null> {
    try {
      await this.#tell(id, runId);
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

  async #tell(id: TaskId, runId: string): Promise<void> {
    const { client, ledger } = this.#options;
    const handle = client.workflow.getHandle(workflowIds.task(id));
    const { status, closeTime } = await handle.describe();
    if (status.name === 'RUNNING') await askAgain(client, workflowIds.task(id), runId);
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
