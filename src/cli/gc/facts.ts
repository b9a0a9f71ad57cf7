/** What is known of tasks, for `tasks gc`: by their workflows, and of those that Temporal keeps no more by main's commits. */

import { WorkflowNotFoundError } from '@temporalio/client';
import type { TaskFacts } from '../../core/gc.ts';
import { workflowIds, type TaskId } from '../../core/ids.ts';
import { isEnd, type TaskView } from '../../core/task-types.ts';
import { messageOf } from '../../core/thrown.ts';
import type { GitRoom } from '../../git/room.ts';
import { detailQuery } from '../../workflows/messages.ts';
import { Failed } from '../errors.ts';
import type { Session } from '../session.ts';
import { CALL_MS } from '../temporal.ts';
import { tryLedger } from '../try-ledger.ts';

const QUERY_MS = 3_000;

export class TaskAsker {
  readonly #session: Session;
  readonly #git: Pick<GitRoom, 'tracesOf'>;
  readonly #known = new Map<TaskId, Promise<TaskFacts>>();
  /** Nobody is asked any more once Temporal did not answer. */
  #away: string | null = null;

  constructor(session: Session, git: Pick<GitRoom, 'tracesOf'>) {
    this.#session = session;
    this.#git = git;
  }

  /** As it was when it was asked first. */
  of(id: TaskId): Promise<TaskFacts> {
    const known = this.#known.get(id) ?? this.now(id);
    this.#known.set(id, known);
    return known;
  }

  /** As it is now. */
  async now(id: TaskId): Promise<TaskFacts> {
    if (this.#away !== null) return { kind: 'unreachable', reason: this.#away };
    try {
      return await this.#ask(id);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      this.#away = messageOf(error);
      return { kind: 'unreachable', reason: this.#away };
    }
  }

  async #ask(id: TaskId): Promise<TaskFacts> {
    const temporal = await this.#session.temporal();
    try {
      return await temporal.within(CALL_MS, async (): Promise<TaskFacts> => {
        const handle = temporal.client.workflow.getHandle<() => Promise<TaskView>>(workflowIds.task(id));
        const { status, searchAttributes } = await handle.describe();
        const told = searchAttributes['TaskState']?.[0];
        if (status.name === 'COMPLETED') return { kind: 'closed', view: await handle.result() };
        if (status.name === 'RUNNING') return { kind: 'open', state: typeof told === 'string' ? told : 'queued' };
        if (status.name === 'TERMINATED') return { kind: 'terminated', view: await this.#recorded(id) };
        const ended = status.name === 'FAILED' || status.name === 'CANCELLED';
        const view = ended ? await this.#lastView(id) : null;
        return view === null ? { kind: 'broken', status: status.name.toLowerCase() } : { kind: 'closed', view };
      });
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return this.#askMain(id);
      throw error;
    }
  }

  /** By its workflow, which a worker has to answer for, or by the record; null when neither knows of its end. */
  async #lastView(id: TaskId): Promise<TaskView | null> {
    const temporal = await this.#session.temporal();
    const said = await temporal
      .limited(QUERY_MS, null, () => temporal.task(id).query(detailQuery))
      .then(({ view }) => view)
      .catch(() => null);
    const view = said ?? (await this.#recorded(id));
    return view !== null && isEnd(view.state) ? view : null;
  }

  /** Temporal keeps ended workflows for some days; main keeps what has landed. */
  async #askMain(id: TaskId): Promise<TaskFacts> {
    const view = await this.#recorded(id);
    if (view?.state !== 'landed') return { kind: 'unknown' };
    const traces = await this.#git.tracesOf(view, id);
    if (traces.kind === 'failed') return { kind: 'unreachable', reason: traces.message };
    return traces.landed === null ? { kind: 'unknown' } : { kind: 'landed', view, commit: traces.landed };
  }

  #recorded(id: TaskId): Promise<TaskView | null> {
    return tryLedger(this.#session, (ledger) => ledger.readTask(id));
  }
}
