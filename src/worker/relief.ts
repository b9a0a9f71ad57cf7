/**
 * Makes room when this host's disk runs short: the workspaces of tasks that wait for people go (N6). A task that goes on
 * gets its workspace again from its checkpoint.
 *
 * It owns nothing. Kept true here (N8): a workspace goes only when the task's own workflow says that it waits, and when
 * what the workspace was last stored as is what the workflow has; and never while an attempt of the task begins or runs
 * on this worker.
 */

import type { Client } from '@temporalio/client';
import type { Turns } from '../activities/turns.ts';
import { workflowIds, type ProjectName, type TaskId } from '../core/ids.ts';
import { mayBeReclaimed } from '../core/relief.ts';
import type { GitRoom } from '../git/types.ts';
import { detailQuery } from '../workflows/messages.ts';

const ASK_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 60_000;

export interface ReliefOptions {
  readonly client: Client;
  readonly git: Pick<GitRoom, 'listWorkspaces' | 'storedCheckpoint' | 'removeWorkspace'>;
  readonly turns: Turns;
  /** Whether the disk runs short now. */
  readonly isShort: () => boolean;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Relief {
  readonly #options: ReliefOptions;
  readonly #stopped = new AbortController();
  #working: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: ReliefOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Looks now, unless it looks already or there is room. */
  look(): void {
    if (this.#working !== null || this.#stopped.signal.aborted || !this.#options.isShort()) return;
    this.#working = this.#makeRoom()
      .catch((error: unknown) =>
        this.#options.log('no room could be made; the next look tries again', { reason: String(error) }),
      )
      .finally(() => {
        this.#working = null;
      });
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    if (this.#timer !== null) clearInterval(this.#timer);
    await this.#working;
  }

  async #makeRoom(): Promise<void> {
    const { git, turns, isShort, log } = this.#options;
    const { signal } = this.#stopped;
    for (const { project, taskId } of await git.listWorkspaces()) {
      if (signal.aborted || !isShort()) return;
      if (!(await this.#mayGo(project, taskId))) continue;
      // Asked once more in its turn: it may have begun to go on.
      const removing = turns.take(taskId, signal, async () => {
        if (!(await this.#mayGo(project, taskId))) return;
        await git.removeWorkspace(project, taskId);
        log('the disk runs short: the workspace of a waiting task is removed', { taskId });
      });
      // One that cannot be removed must not keep the room of the others.
      await removing.catch((error: unknown) =>
        log('a workspace could not be removed; the next look tries again', { taskId, reason: String(error) }),
      );
    }
  }

  /** A task that cannot be asked keeps what it has. */
  async #mayGo(project: ProjectName, taskId: TaskId): Promise<boolean> {
    const { client, git } = this.#options;
    const stored = await git.storedCheckpoint(project, taskId);
    if (stored === null) return false;
    try {
      const handle = client.workflow.getHandle(workflowIds.task(taskId));
      const asked = () => handle.query(detailQuery);
      const { view } = await client.connection.withDeadline(Date.now() + ASK_WITHIN_MS, asked);
      return mayBeReclaimed(view, stored);
    } catch {
      return false;
    }
  }
}
