/**
 * Cleans up after tasks that are over: their workspace on this host and, once landed, unchanged or terminated, their
 * refs on the origin. What a task left that failed, was rejected or canceled goes from this host some days later, and stays
 * on the origin.
 *
 * It owns nothing and remembers nothing that matters: what it misses, the next look at this host's workspaces finds.
 * Kept true here (N8): the proof is the task's own workflow, closed, with a result that says landed or unchanged, or
 * terminated, by which an operator has said that nothing of it is wanted. One that ended otherwise proves that its workspace
 * is a copy, once that is stored. A workflow that cannot be found proves nothing, and everything stays.
 */

import {
  TerminatedFailure,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import { workflowIds, type TaskId } from '../core/ids.ts';
import { isStored } from '../core/relief.ts';
import { isEnd, type TaskView } from '../core/task-types.ts';
import type { GitRoom } from '../git/types.ts';
import { readHibernated } from '../local/hibernated.ts';
import { freeStalePorts, listStalePorts, removeLeft } from '../local/left-of-task.ts';
import type { PortLeases } from '../local/port-leases.ts';
import { detailQuery } from '../workflows/messages.ts';

const LOOK_EVERY_MS = 10 * 60 * 1_000;
/** After the record of a task's end its workflow has this long to close before it is left to the next look. */
const CLOSE_WITHIN_MS = 10_000;
/** What ends within this time, up to so many tasks, is cleaned up together: the origin is asked once. */
const GATHER_MS = 1_000;
const MAX_GATHERED = 50;
const LISTED_AT_ONCE = 200;
/** So many tasks that one look cannot look at, and it is for none of them: it ends. */
const MAX_FAILURES = 10;

export interface JanitorOptions {
  readonly client: Client;
  readonly git: GitRoom;
  readonly home: string;
  readonly ports: Pick<PortLeases, 'free' | 'list'>;
  /** How long the workspace of a task stays that ended without landing, in milliseconds. */
  readonly keptMs: number;
  /** How often it looks, in milliseconds; ten minutes when it is left out. */
  readonly everyMs?: number;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Janitor {
  readonly #options: JanitorOptions;
  readonly #due = new Set<TaskId>();
  #working: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  /** The tasks that are proven to be over and wait to be cleaned up together. */
  readonly #over = new Map<TaskId, TaskView>();
  #gather: NodeJS.Timeout | null = null;
  readonly #stopped = new AbortController();

  constructor(options: JanitorOptions) {
    this.#options = options;
  }

  /** Looks through this host's workspaces now and every ten minutes. */
  start(): void {
    const look = (isFirst: boolean): void => {
      this.#queue(async () => {
        let failures = 0;
        const known = await this.#known();
        // The worker before may have died as a task ended, which lists may not tell yet.
        for (const taskId of isFirst ? known : await this.#notRunning(known)) {
          // Without its worker nobody answers what a look asks of one task after the other.
          if (this.#stopped.signal.aborted) return;
          await this.#consider(taskId, false).catch((error: unknown) => {
            // One that cannot be looked at, such as one that no build can replay, keeps no other from it.
            failures += 1;
            if (failures > MAX_FAILURES) throw error;
            this.#failed(error, taskId);
          });
          if (this.#over.size >= MAX_GATHERED) await this.#cleanUp();
        }
        await this.#cleanUp();
        await this.#freePorts();
      });
    };
    look(true);
    this.#timer = setInterval(() => look(false), this.#options.everyMs ?? LOOK_EVERY_MS);
  }

  /** A task's record says that it has ended: clean up once its workflow says so too. */
  onEnded(taskId: TaskId): void {
    if (this.#stopped.signal.aborted || this.#due.has(taskId)) return;
    this.#due.add(taskId);
    this.#queue(async () => {
      this.#due.delete(taskId);
      await this.#consider(taskId, true);
      if (this.#over.size >= MAX_GATHERED) await this.#cleanUp();
      else this.#gather ??= setTimeout(() => this.#queue(() => this.#cleanUp()), GATHER_MS);
    });
  }

  /** What is being removed is removed; nothing else is begun or waited for. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    if (this.#timer !== null) clearInterval(this.#timer);
    if (this.#gather !== null) clearTimeout(this.#gather);
    await this.#working;
  }

  /** One clean-up at a time, behind the work that pays for it. */
  #queue(work: () => Promise<void>): void {
    this.#working = this.#working.then(async () => {
      if (this.#stopped.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        this.#failed(error);
      }
    });
  }

  /** The tasks that have something on this host. */
  async #known(): Promise<readonly TaskId[]> {
    const { git, home } = this.#options;
    const [workspaces, hibernated] = [await git.listWorkspaces(), await readHibernated(home)];
    return [...new Set([...workspaces.map(({ taskId }) => taskId), ...hibernated.map(({ task }) => task)])];
  }

  /**
   * Without those that run by Temporal's lists, which tell of many at once: most only wait. Lists may be late: whoever has ended
   * since is found by the next look, and each of the others is asked for by itself.
   */
  async #notRunning(known: readonly TaskId[]): Promise<readonly TaskId[]> {
    const running = new Set<string>();
    try {
      for (let at = 0; at < known.length; at += LISTED_AT_ONCE) {
        const ids = known.slice(at, at + LISTED_AT_ONCE).map((id) => `'${workflowIds.task(id)}'`);
        const query = `ExecutionStatus = 'Running' AND WorkflowId IN (${ids.join(', ')})`;
        for await (const { workflowId } of this.#options.client.workflow.list({ query })) running.add(workflowId);
      }
    } catch {
      // Then all of them are asked for, and say what is wrong.
    }
    return known.filter((id) => !running.has(workflowIds.task(id)));
  }

  async #consider(taskId: TaskId, ending: boolean): Promise<void> {
    const ended = await this.#endOf(taskId, ending);
    if (ended?.kind === 'over') this.#over.set(taskId, ended.view);
    if (ended?.kind === 'kept' && !ending && this.#isOld(ended.view)) {
      await this.#giveUp(ended.view).catch((error: unknown) => this.#failed(error));
    }
  }

  async #freePorts(): Promise<void> {
    const { git } = this.#options;
    for (const owner of await listStalePorts(this.#options)) {
      if (this.#stopped.signal.aborted) return;
      await freeStalePorts(this.#options, owner, (project, id, asked) => git.removeUnused(project, id, asked));
    }
  }

  #isOld({ endedAt }: TaskView): boolean {
    return endedAt !== null && Date.now() - Date.parse(endedAt) > this.#options.keptMs;
  }

  /** The workspace of a task that ended without landing; its refs are what a retry goes on from, and stay. */
  async #giveUp({ id, project }: TaskView): Promise<void> {
    const { git, log } = this.#options;
    const went = await git.removeUnused(project, id, {
      // Asked once more: it may have been retried.
      mayGo: async () => {
        const ended = await this.#endOf(id, false);
        const stored = await git.storedCheckpoint(project, id);
        return ended?.kind === 'kept' && this.#isOld(ended.view) && isStored(ended.view, stored);
      },
      gone: () => removeLeft(this.#options, project, id),
    });
    if (went === 'removed') log('the workspace of a task that ended without landing is removed', { taskId: id });
  }

  /** The refs first: as long as they are there, the workspace is what the next look finds the task by. */
  async #cleanUp(): Promise<void> {
    if (this.#gather !== null) clearTimeout(this.#gather);
    this.#gather = null;
    const groups = new Map<string, TaskView[]>();
    for (const view of this.#over.values()) {
      const key = JSON.stringify([view.project, view.branch, view.origin]);
      groups.set(key, [...(groups.get(key) ?? []), view]);
    }
    this.#over.clear();
    for (const views of groups.values()) {
      if (this.#stopped.signal.aborted) return;
      await this.#cleanUpOne(views).catch((error: unknown) => this.#failed(error));
    }
  }

  /** Tasks of one branch of one origin. */
  async #cleanUpOne(views: readonly TaskView[]): Promise<void> {
    const { git } = this.#options;
    const [target] = views;
    const ids = await this.#stillOver(views);
    if (target === undefined || ids.length === 0) return;
    await git.deleteTaskRefs(target, ids);
    // One that cannot be removed keeps neither its own home nor the others.
    for (const id of ids) {
      await git.removeWorkspace(target.project, id).catch((error: unknown) => this.#failed(error));
      await removeLeft(this.#options, target.project, id).catch((error: unknown) => this.#failed(error));
    }
  }

  /** A terminated task may have been begun anew since; one that has landed or changed nothing stays as it is. */
  async #stillOver(views: readonly TaskView[]): Promise<readonly TaskId[]> {
    const looked = views.map(async ({ id, state }) => {
      if (state === 'landed' || state === 'unchanged') return [id];
      const { status } = await this.#options.client.workflow.getHandle(workflowIds.task(id)).describe();
      return status.name === 'TERMINATED' ? [id] : [];
    });
    return (await Promise.all(looked)).flat();
  }

  #failed(error: unknown, taskId?: TaskId): void {
    const facts = taskId === undefined ? {} : { taskId };
    this.#options.log('clean-up failed; the next look tries again', { ...facts, reason: String(error) });
  }

  /**
   * The last view of a task whose workflow is closed: `over` when it leaves nothing that is wanted, `kept` when what it has
   * stored may be wanted. Null of any other.
   */
  async #endOf(taskId: TaskId, ending: boolean): Promise<Ended | null> {
    const { client } = this.#options;
    const handle = client.workflow.getHandle<() => Promise<TaskView>>(workflowIds.task(taskId));
    if (!ending) {
      const description = await describe(handle);
      const status = description?.status.name;
      if (status === 'TERMINATED') return { kind: 'over', view: await this.#lastView(taskId) };
      if (status === 'FAILED' || status === 'CANCELLED') return this.#endedOtherwise(taskId, description?.closeTime);
      if (status !== 'COMPLETED') return null;
    }
    try {
      const view = await client.connection.withAbortSignal(this.#inTime(), () => handle.result());
      return { kind: view.state === 'landed' || view.state === 'unchanged' ? 'over' : 'kept', view };
    } catch (error) {
      // Failed, canceled or not closed in time: no proof that nothing is wanted.
      const terminated = error instanceof WorkflowFailedError && error.cause instanceof TerminatedFailure;
      return terminated ? { kind: 'over', view: await this.#lastView(taskId) } : null;
    }
  }

  /** Of a task that failed or was canceled; not asked before its time. */
  async #endedOtherwise(taskId: TaskId, closed: Date | undefined): Promise<Ended | null> {
    if (closed === undefined || Date.now() - closed.getTime() <= this.#options.keptMs) return null;
    try {
      const view = await this.#lastView(taskId);
      return isEnd(view.state) ? { kind: 'kept', view } : null;
    } catch (error) {
      this.#failed(error);
      return null;
    }
  }

  /** Where a closed task was, as its history says; this worker itself is asked. */
  async #lastView(taskId: TaskId): Promise<TaskView> {
    const { client } = this.#options;
    const handle = client.workflow.getHandle(workflowIds.task(taskId));
    const asked = () => handle.query(detailQuery);
    const { view } = await client.connection.withAbortSignal(this.#inTime(), asked);
    return view;
  }

  #inTime(): AbortSignal {
    return AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(CLOSE_WITHIN_MS)]);
  }
}

interface Ended {
  readonly kind: 'over' | 'kept';
  readonly view: TaskView;
}

/** Null for a workflow that Temporal does not know, or knows no longer: that is no proof of anything. */
async function describe(handle: WorkflowHandle): Promise<WorkflowExecutionDescription | null> {
  try {
    return await handle.describe();
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
