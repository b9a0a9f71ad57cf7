/**
 * Keeps this host's workspaces within what it may have: when its disk runs short, or there are more of them than host.yaml
 * allows, those go whose tasks wait, have ended or are in line for landing (N6). A task that goes on gets its workspace again
 * from its checkpoint.
 *
 * It owns what it last saw of the workspaces. Kept true here (N8): a workspace goes only when the task's own workflow says
 * what it waits for, or how it ended, and when what the workspace was last stored as is what the workflow has; and never
 * while a process of this host is at work in it.
 */

import type { Client } from '@temporalio/client';
import { workflowIds, type ProjectName, type TaskId } from '../core/ids.ts';
import { portOwners } from '../core/ports.ts';
import {
  pressureOn,
  TURNS,
  turnOf,
  type Pressure,
  type Seen,
  type Stored,
  type Turn,
  type WorkspaceCaps,
  type WorkspacesReport,
} from '../core/relief.ts';
import type { TaskView } from '../core/task-types.ts';
import { isNoSpace } from '../files/errors.ts';
import type { GitRoom } from '../git/types.ts';
import { dropHibernated, noteHibernated, readHibernated } from '../local/hibernated.ts';
import type { PortLeases } from '../local/port-leases.ts';
import { detailQuery } from '../workflows/messages.ts';
import { WorkspaceSizes, type SizedWorkspace } from './workspace-sizes.ts';

const ASK_WITHIN_MS = 10_000;
const LOOK_EVERY_MS = 60_000;
/** After a task began to wait: others begin to do so with it, and Temporal is told of it a moment after the worker. */
const APART_MS = 1_000;
/** Tasks that one look asks about at the most. */
const MAX_ASKED = 500;
const MAX_REPORTED = 100;

export interface ReliefOptions {
  readonly client: Client;
  readonly git: Pick<GitRoom, 'listWorkspaces' | 'storedCheckpoint' | 'removeUnused'>;
  readonly home: string;
  readonly ports: Pick<PortLeases, 'free'>;
  readonly caps: WorkspaceCaps;
  /** Whether the disk runs short now. */
  readonly isShort: () => boolean;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Relief {
  readonly #options: ReliefOptions;
  readonly #sizes: WorkspaceSizes;
  readonly #stopped = new AbortController();
  #working: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #soon: NodeJS.Timeout | null = null;
  #seen: WorkspacesReport | null = null;

  constructor(options: ReliefOptions) {
    this.#options = options;
    this.#sizes = new WorkspaceSizes(options.home);
  }

  start(): void {
    this.look();
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** What it last saw; null before the first look. */
  report(): WorkspacesReport | null {
    return this.#seen;
  }

  /** A task waits: looks now, and once more when Temporal knows of it too. */
  onWaiting(): void {
    if (this.#stopped.signal.aborted) return;
    this.#lookWhereShort();
    this.#soon ??= setTimeout(() => {
      this.#soon = null;
      this.look();
    }, APART_MS).unref();
  }

  /** Whoever records that a task waits must not fail by a state home that is away: the next look says so. */
  #lookWhereShort(): void {
    try {
      if (this.#options.isShort()) this.look();
    } catch {
      return;
    }
  }

  /** Looks now, unless it looks already. */
  look(): void {
    if (this.#working !== null || this.#stopped.signal.aborted) return;
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
    if (this.#soon !== null) clearTimeout(this.#soon);
    await this.#working;
  }

  async #makeRoom(): Promise<void> {
    const { git, caps, isShort } = this.#options;
    const { signal } = this.#stopped;
    const withSizes = Number.isFinite(caps.bytes);
    const there = await this.#sizes.of(await git.listWorkspaces(), withSizes, signal);
    const left = new Map(there.map((workspace) => [workspace.taskId, workspace]));
    let bytes = there.reduce((sum, each) => sum + (each.bytes ?? 0), 0);
    const pressure = (): Pressure | null =>
      signal.aborted ? null : pressureOn({ count: left.size, bytes }, caps, isShort());
    const waiting = new Map<Turn, SizedWorkspace[]>(TURNS.map((turn) => [turn, []]));
    /** Its turn, when that is not one of these yet. */
    const give = async (workspace: SizedWorkspace, why: Pressure, turns: readonly Turn[]): Promise<Turn | null> => {
      const { went, turn } = await this.#hibernate(workspace, why, turns);
      if (!went) return turn;
      left.delete(workspace.taskId);
      bytes -= workspace.bytes ?? 0;
      return null;
    };
    let asked = 0;
    for (const workspace of there) {
      const why = pressure();
      if (why === null || asked >= MAX_ASKED) break;
      asked += 1;
      const turn = await give(workspace, why, ['first']);
      if (turn !== null) waiting.get(turn)?.push(workspace);
    }
    for (const workspace of TURNS.flatMap((turn) => waiting.get(turn) ?? [])) {
      const why = pressure();
      if (why === null) break;
      await give(workspace, why, TURNS);
    }
    await this.#note([...left.values()], withSizes);
  }

  /** Asked under the workspace's lock, and once: most go. One that cannot be removed must not keep the room of the others. */
  async #hibernate({ project, taskId }: SizedWorkspace, why: Pressure, turns: readonly Turn[]): Promise<Asked> {
    const { git, home, ports, log } = this.#options;
    let turn: Turn | null = null;
    let isNoted = false;
    const note = async (): Promise<void> => {
      if (!isNoted) await noteHibernated(home, { project, task: taskId, since: new Date().toISOString(), why });
      isNoted = true;
    };
    try {
      const went = await git.removeUnused(project, taskId, {
        mayGo: async () => {
          turn = await this.#turnOf(project, taskId);
          if (turn === null || !turns.includes(turn)) return false;
          // Before it goes: without a note nobody would know of what else the task has here. A disk without room for it is what this is for.
          await note().catch((error: unknown) => {
            if (!isNoSpace(error)) throw error;
          });
          return true;
        },
        gone: async () => {
          await ports.free(portOwners.task(project, taskId));
          await note().catch((error: unknown) =>
            log('no note could be made of a workspace that is removed', { taskId, reason: String(error) }),
          );
        },
      });
      if (went === 'removed') log(`${WORDS[why]}: a workspace that rests is removed`, { taskId });
      return { went: went === 'removed', turn };
    } catch (error) {
      log('a workspace could not be removed; the next look tries again', { taskId, reason: String(error) });
      return { went: false, turn: null };
    }
  }

  /** What is hibernated is what has no workspace here again. */
  async #note(left: readonly SizedWorkspace[], withSizes: boolean): Promise<void> {
    const { home } = this.#options;
    const back = new Set(left.map(({ taskId }) => taskId));
    const notes = await readHibernated(home);
    for (const { task } of notes) if (back.has(task)) await dropHibernated(home, task);
    const hibernated = notes.filter(({ task }) => !back.has(task));
    const bytes = left.reduce((sum, each) => sum + (each.bytes ?? 0), 0);
    this.#seen = {
      count: left.length,
      bytes: withSizes ? bytes : null,
      hibernated: hibernated.length,
      latest: hibernated.slice(0, MAX_REPORTED),
    };
  }

  /** A task that cannot be asked keeps what it has. */
  async #turnOf(project: ProjectName, taskId: TaskId): Promise<Turn | null> {
    const { client, git } = this.#options;
    try {
      const stored = await git.storedCheckpoint(project, taskId);
      const asked = () => this.#ask(taskId, stored);
      // With its worker gone nobody answers.
      const inTime = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(ASK_WITHIN_MS)]);
      const view = await client.connection.withAbortSignal(inTime, asked);
      return view === null ? null : turnOf(view, stored);
    } catch {
      return null;
    }
  }

  /** Only a workflow that rests is asked: what Temporal itself says of the others will do. */
  async #ask(taskId: TaskId, stored: Stored): Promise<Seen | null> {
    const handle = this.#options.client.workflow.getHandle<() => Promise<TaskView>>(workflowIds.task(taskId));
    const { status, searchAttributes } = await handle.describe();
    if (status.name === 'COMPLETED') return handle.result();
    // A closed one is at rest.
    if (status.name === 'FAILED' || status.name === 'CANCELLED') return (await handle.query(detailQuery)).view;
    if (status.name !== 'RUNNING') return null;
    const told = searchAttributes['TaskState']?.[0];
    if (told === 'running' || told === 'queued') return null;
    // Any time the queue may send it something. What it handed off was stored, and the workspace has had no attempt since.
    if (told === 'landing') {
      return { state: 'landing', waitingFor: null, checkpoint: stored === 'nothing' ? null : stored, agent: '' };
    }
    return (await handle.query(detailQuery)).view;
  }
}

interface Asked {
  readonly went: boolean;
  /** Null: it stays, or nobody could tell. */
  readonly turn: Turn | null;
}

/** Why a workspace goes. */
const WORDS: Readonly<Record<Pressure, string>> = {
  disk: 'the disk runs short',
  count: 'more workspaces than host.yaml allows',
  bytes: 'workspaces take more than host.yaml allows',
};
