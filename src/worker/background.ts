/**
 * What a worker does beside its activities, by itself: it cleans up after tasks, frees disk, tells of conflicts, packs
 * repositories, finds tasks that were ended from outside, and sets back workflows that cannot go on. They begin and end together.
 */

import { statfsSync } from 'node:fs';
import type { Client } from '@temporalio/client';
import type { Limits } from '../activities/dependencies.ts';
import type { TaskId } from '../core/ids.ts';
import type { WorkspaceCaps, WorkspacesReport } from '../core/relief.ts';
import type { TaskView } from '../core/task-types.ts';
import type { GitRoom } from '../git/types.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { PortLeases } from '../local/port-leases.ts';
import { EndedFromOutside } from './ended-from-outside.ts';
import { Janitor } from './janitor.ts';
import { Radar } from './radar.ts';
import { Relief } from './relief.ts';
import { Rounds } from './rounds.ts';
import { keepUp, UPKEEP_EVERY_MS } from './upkeep.ts';
import type { Replay } from './replay.ts';
import { WedgedWorkflows } from './wedged-workflows.ts';

export interface WorkspaceLimits extends WorkspaceCaps {
  /** How long the workspace of a task stays that ended without landing, in milliseconds. */
  readonly keptMs: number;
}

export interface BackgroundOptions {
  readonly client: Client;
  readonly git: GitRoom;
  readonly ledger: Ledger;
  readonly home: string;
  readonly ports: PortLeases;
  readonly workspaces: WorkspaceLimits;
  readonly limits: Pick<Limits, 'shortBelowBytes' | 'radarMs' | 'outsideEveryMs' | 'wedgedEveryMs'>;
  readonly replay: Replay;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Background {
  readonly #janitor: Janitor;
  readonly #relief: Relief;
  readonly #radar: Radar;
  readonly #upkeep: Rounds;
  readonly #fromOutside: EndedFromOutside;
  readonly #wedged: WedgedWorkflows;

  constructor({ client, git, ledger, home, ports, workspaces, limits, replay, log }: BackgroundOptions) {
    const isShort = (): boolean => freeBytesOf(home) < limits.shortBelowBytes;
    this.#janitor = new Janitor({ client, git, home, ports, keptMs: workspaces.keptMs, log });
    this.#relief = new Relief({ client, git, home, ports, caps: workspaces, log, isShort });
    this.#radar = new Radar({ client, git, ledger, log, gatherMs: limits.radarMs });
    this.#upkeep = new Rounds(() => keepUp({ git, log }));
    this.#fromOutside = new EndedFromOutside({ client, ledger, log, everyMs: limits.outsideEveryMs });
    this.#wedged = new WedgedWorkflows({ client, replay, log, everyMs: limits.wedgedEveryMs });
  }

  /** The radar begins by what it hears. */
  start(): void {
    this.#janitor.start();
    this.#relief.start();
    this.#upkeep.start(UPKEEP_EVERY_MS);
    this.#fromOutside.start();
    this.#wedged.start();
  }

  /** Resolves when what was under way has ended. */
  async stop(): Promise<void> {
    await Promise.all([
      this.#janitor.stop(),
      this.#relief.stop(),
      this.#radar.stop(),
      this.#fromOutside.stop(),
      this.#wedged.stop(),
      this.#upkeep.stop(),
    ]);
  }

  /** A task waits: its worktree may be freed. */
  onWaiting(): void {
    this.#relief.onWaiting();
  }

  onRecorded(view: TaskView): void {
    this.#radar.onRecorded(view);
  }

  /** This host's workspaces as they were last seen; null before the first look. */
  workspaces(): WorkspacesReport | null {
    return this.#relief.report();
  }

  onWedged(runId: string, build: string): void {
    this.#wedged.heard(runId, build);
  }

  onEnded(taskId: TaskId): void {
    this.#janitor.onEnded(taskId);
  }
}

export function freeBytesOf(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}
