/**
 * The conflict radar of a worker: after what lands and what is stored it looks which tasks in flight no longer go together
 * with main, tells them, and keeps what it saw for `tasks conflicts`.
 *
 * It owns when it looks, and nothing that matters: a look that is missed is made up for by the next. Kept true here: no
 * task and no landing waits for it; a look begins a good while after the last one, by what that one took; tasks are told
 * only what their own record does not have.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { workflowIds } from '../core/ids.ts';
import type { Target } from '../core/queue-types.ts';
import { concernsRadar, MAX_LOOKED_AT, reportOf, tellingsOf, workOf } from '../core/radar.ts';
import type { TaskView } from '../core/task-types.ts';
import type { GitRoom } from '../git/types.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { conflictSignal } from '../workflows/messages.ts';

const TELL_WITHIN_MS = 5_000;
const TOLD_AT_ONCE = 20;
const AGAIN_MS = 10 * 60_000;
const STOP_WITHIN_MS = 3_000;
/** A look may take a sixth of the time at the most. */
const SPARE = 5;
const MAX_TARGETS = 1_000;

export interface RadarOptions {
  readonly client: Client;
  readonly git: Pick<GitRoom, 'lookAround'>;
  readonly ledger: Pick<Ledger, 'listWorks' | 'saveRadar'>;
  /** What comes within this time is looked at together, in milliseconds. */
  readonly gatherMs: number;
  /** How long a look that is under way has when the worker stops, in milliseconds. */
  readonly stopMs?: number;
  readonly log: (message: string, facts: Readonly<Record<string, unknown>>) => void;
}

export class Radar {
  readonly #options: RadarOptions;
  /** Branches to look at, by their names, and when the last look of each has ended and how long it took. */
  readonly #due = new Map<string, Target>();
  readonly #notBeforeMs = new Map<string, number>();
  /** Branches that are looked at again without a record: a person may have moved main, or a word been lost. */
  readonly #again = new Map<string, { readonly target: Target; readonly atMs: number }>();
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | null = null;
  #looking: Promise<void> | null = null;

  constructor(options: RadarOptions) {
    this.#options = options;
  }

  /** Takes note of a task's record. */
  onRecorded(view: TaskView): void {
    const key = keyOf(view);
    // One that is due already is looked at when it is: the timer is not put off by each record.
    if (this.#stopped.signal.aborted || !concernsRadar(view) || this.#due.has(key)) return;
    const { project, branch, origin } = view;
    this.#due.set(key, { project, branch, origin });
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (this.#looking === null) return;
    // An origin that does not answer must not hold a worker up: what a look leaves undone, another one does.
    const given = new AbortController();
    const over = pause(this.#options.stopMs ?? STOP_WITHIN_MS, undefined, { signal: given.signal }).catch(
      () => undefined,
    );
    await Promise.race([this.#looking, over]);
    given.abort();
  }

  #arm(): void {
    if (this.#looking !== null || this.#stopped.signal.aborted) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const soon = [...this.#due.keys()].map((key) => this.#notBeforeMs.get(key) ?? 0);
    const atMs = Math.min(...soon, ...[...this.#again.values()].map((again) => again.atMs));
    if (atMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#look(), Math.max(this.#options.gatherMs, atMs - performance.now()));
    this.#timer.unref();
  }

  #look(): void {
    this.#timer = null;
    this.#looking = this.#lookAtDue().finally(() => {
      this.#looking = null;
      this.#arm();
    });
  }

  async #lookAtDue(): Promise<void> {
    for (const [key, { target, atMs }] of this.#again) {
      if (atMs <= performance.now()) this.#due.set(key, target);
    }
    for (const [key, target] of this.#due) {
      if (this.#stopped.signal.aborted) return;
      const begunMs = performance.now();
      if ((this.#notBeforeMs.get(key) ?? 0) > begunMs) continue;
      this.#due.delete(key);
      this.#again.delete(key);
      await this.#lookAt(target).catch((error: unknown) => {
        this.#lookAgain(target);
        const { project } = target;
        this.#options.log('conflicts could not be looked for; a later look tries again', {
          project,
          reason: String(error),
        });
      });
      const endMs = performance.now();
      if (this.#notBeforeMs.size >= MAX_TARGETS) {
        this.#notBeforeMs.clear();
        this.#again.clear();
      }
      this.#notBeforeMs.set(key, endMs + (endMs - begunMs) * SPARE);
    }
  }

  #lookAgain(target: Target): void {
    this.#again.set(keyOf(target), { target, atMs: performance.now() + AGAIN_MS });
  }

  async #lookAt(target: Target): Promise<void> {
    const { git, ledger } = this.#options;
    const views = (await ledger.listWorks(target, MAX_LOOKED_AT)).filter(({ origin }) => origin === target.origin);
    if (views.length === 0) return;
    this.#lookAgain(target);
    const at = new Date().toISOString();
    const works = views.map(workOf).filter((work) => work !== null);
    const sight = await git.lookAround(target, works);
    if (sight === null || this.#stopped.signal.aborted) return;
    await ledger.saveRadar(reportOf(target, views, sight, at));
    const tellings = tellingsOf(views, sight);
    for (let first = 0; first < tellings.length; first += TOLD_AT_ONCE) {
      await Promise.all(tellings.slice(first, first + TOLD_AT_ONCE).map((telling) => this.#tell(telling)));
    }
  }

  async #tell({ id, head, conflict }: ReturnType<typeof tellingsOf>[number]): Promise<void> {
    const { client, log } = this.#options;
    const handle = client.workflow.getHandle(workflowIds.task(id));
    try {
      await client.connection.withDeadline(Date.now() + TELL_WITHIN_MS, () =>
        handle.signal(conflictSignal, { head, conflict }),
      );
    } catch (error) {
      // One that has ended meanwhile need not know.
      if (!(error instanceof WorkflowNotFoundError))
        log('a task was not told of a conflict', { id, reason: String(error) });
    }
  }
}

function keyOf({ project, branch, origin }: Target): string {
  return JSON.stringify([project, branch, origin]);
}
