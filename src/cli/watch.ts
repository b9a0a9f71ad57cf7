/**
 * Watches tasks until they have ended. The truth of an end is the workflow's own result: a few tasks are asked by long
 * polls at a time, in turn when there are more, and those first that the ledger calls ended. The ledger also tells who
 * waits for a person; where it has nothing to say, the workflow is asked, and its word counts for an end, too.
 *
 * Kept true: each task is reported ended once, and as waiting once a wait; every poll is bounded, so that whatever
 * answers late holds up nothing.
 */

import { setMaxListeners } from 'node:events';
import type { TaskId } from '../core/ids.ts';
import { isEnd, needsPeople, type TaskView, type WaitingKind } from '../core/task-types.ts';
import { nameOfWait } from '../core/waiting.ts';
import { detailQuery } from '../workflows/messages.ts';
import { awaitOutcome, brokenView, canceledView } from './outcome.ts';
import { mapBounded } from './bounded.ts';
import { nextLook } from './next-look.ts';
import type { Temporal } from './temporal.ts';

export interface WatchOptions {
  readonly temporal: Temporal;
  readonly ids: readonly TaskId[];
  /** The ledger's views of these; null when it cannot be reached. */
  readonly readViews: (ids: readonly TaskId[]) => Promise<readonly TaskView[] | null>;
  readonly interrupt: AbortSignal;
  readonly timeoutMs: number | null;
  /** Ends when all that has not ended waits for people. */
  readonly stopAtPeople: boolean;
  readonly onEnded: (view: TaskView) => void;
  /** One waits for a person, or has waited for long for a host or its origin. */
  readonly onWaits: (view: TaskView) => void | Promise<void>;
  /** How long is long; 15 s when left out. */
  readonly longMs?: number;
}

export type WatchEnd =
  | { readonly kind: 'ended' }
  | { readonly kind: 'people' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'unknown'; readonly id: TaskId };

/** The longest that a timer takes; some 25 days. */
const LONGEST_MS = 2 ** 31 - 1;
const POLLS_AT_ONCE = 32;
/** A long poll when every task has one, and when others wait for their turn. */
const POLL_MS = 60_000;
const TURN_MS = 5_000;
const LOOK_EVERY_MS = 500;
/** A worker may be busy, or an origin away for a moment. */
const LONG_MS = 15_000;
const QUERY_MS = 1_500;
/** So many are asked by query, where the ledger knows nothing. */
const MAX_QUERIES = 16;
const QUERIES_AT_ONCE = 4;

export class TaskWatch {
  readonly #options: WatchOptions;
  readonly #open: Set<TaskId>;
  /** In the order in which they get their turn. */
  readonly #turns: TaskId[];
  readonly #known = new Map<TaskId, TaskView>();
  /** What each was said to wait for last. */
  readonly #said = new Map<TaskId, string>();
  /** When each wait that may end by itself was first seen. */
  readonly #first = new Map<TaskId, { readonly since: string; readonly atMs: number }>();
  readonly #stop = new AbortController();
  /** How many were to be asked by query so far. */
  #asked = 0;
  #end: WatchEnd | null = null;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#open = new Set(options.ids);
    this.#turns = [...this.#open];
    // Each of the tasks that are asked after at once listens; Node takes more than ten for a leak.
    // Those of the polls, of both looks' queries, and its own pause.
    setMaxListeners(POLLS_AT_ONCE + 2 * QUERIES_AT_ONCE + 2, this.#stop.signal);
  }

  async run(): Promise<WatchEnd> {
    const { interrupt, timeoutMs } = this.#options;
    const onInterrupt = (): void => this.#finish({ kind: 'interrupted' });
    interrupt.addEventListener('abort', onInterrupt, { once: true });
    const timer =
      timeoutMs === null ? null : setTimeout(() => this.#finish({ kind: 'timeout' }), Math.min(timeoutMs, LONGEST_MS));
    if (interrupt.aborted) onInterrupt();
    if (this.#open.size === 0) this.#finish({ kind: 'ended' });
    try {
      const lanes = Array.from({ length: Math.min(POLLS_AT_ONCE, this.#open.size) }, () => this.#poll());
      await Promise.all([...lanes, this.#look()].map((work) => work.catch((error: unknown) => this.#fail(error))));
      if (this.#failure !== null) throw this.#failure.error;
      return this.#end ?? { kind: 'ended' };
    } finally {
      interrupt.removeEventListener('abort', onInterrupt);
      if (timer !== null) clearTimeout(timer);
    }
  }

  /** What was last known of a task. */
  view(id: TaskId): TaskView | null {
    return this.#known.get(id) ?? null;
  }

  #failure: { readonly error: unknown } | null = null;

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    this.#failure ??= { error };
    this.#stop.abort();
  }

  #finish(end: WatchEnd): void {
    this.#end ??= end;
    this.#stop.abort();
  }

  /** One lane of long polls. */
  async #poll(): Promise<void> {
    const { temporal } = this.#options;
    while (!this.#stop.signal.aborted) {
      const id = this.#turns.shift();
      if (id === undefined) return;
      const ms = this.#turns.length > 0 ? TURN_MS : POLL_MS;
      const outcome = await awaitOutcome(temporal, id, ms, this.#stop.signal);
      if (outcome.kind === 'open') this.#turns.push(id);
      else if (outcome.kind === 'ended') this.#ended(outcome.view);
      else if (outcome.kind === 'canceled') this.#ended(await this.#readCanceled(id));
      else if (outcome.kind === 'broken') this.#ended(brokenView(id, this.#known.get(id) ?? null, outcome.message));
      else await this.#forgotten(id);
    }
  }

  /** The record of the end is written before the end; without a ledger a worker still knows. */
  async #readCanceled(id: TaskId): Promise<TaskView> {
    const [recorded] = (await this.#options.readViews([id])) ?? [];
    if (recorded !== undefined && isEnd(recorded.state)) return recorded;
    return canceledView(id, (await this.#query(id)) ?? recorded ?? null);
  }

  /** Temporal has no such workflow: past its retention the ledger knows it, else nobody does. */
  async #forgotten(id: TaskId): Promise<void> {
    const [view] = (await this.#options.readViews([id])) ?? [];
    if (view === undefined) this.#finish({ kind: 'unknown', id });
    else if (isEnd(view.state)) this.#ended(view);
    else this.#ended(brokenView(id, view, 'its workflow is gone from Temporal'));
  }

  #ended(view: TaskView): void {
    if (!this.#open.delete(view.id)) return;
    this.#options.onEnded(view);
    if (this.#open.size === 0) this.#finish({ kind: 'ended' });
  }

  /** Looks every half second, or more rarely where that takes long, at who waits for a person, and at who may have ended without having a poll. */
  async #look(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const open = [...this.#open];
      const begunMs = performance.now();
      const read = await this.#options.readViews(open);
      const tookMs = performance.now() - begunMs;
      for (const view of read ?? []) this.#known.set(view.id, view);
      const silent = read === null ? open : open.filter((id) => !this.#known.has(id));
      await this.#ask(this.#nextOf(silent));
      if (signal.aborted) return;
      this.#hurry();
      await this.#sayWaits();
      await nextLook(tookMs, signal, LOOK_EVERY_MS);
    }
  }

  /** Some of these, others at each look. */
  #nextOf(ids: readonly TaskId[]): readonly TaskId[] {
    const at = ids.length === 0 ? 0 : this.#asked % ids.length;
    this.#asked += MAX_QUERIES;
    return [...ids.slice(at), ...ids.slice(0, at)].slice(0, MAX_QUERIES);
  }

  /** Of one that has ended the workflow closes when the ledger knows of it: while that is away nobody waits for that. */
  async #ask(ids: readonly TaskId[]): Promise<void> {
    await mapBounded(ids, QUERIES_AT_ONCE, async (id) => {
      const view = await this.#query(id);
      if (view === null) return;
      this.#known.set(id, view);
      if (isEnd(view.state)) this.#ended(view);
    });
  }

  async #query(id: TaskId): Promise<TaskView | null> {
    const { temporal } = this.#options;
    try {
      const detail = await temporal.limited(QUERY_MS, this.#stop.signal, () => temporal.task(id).query(detailQuery));
      return detail.view;
    } catch {
      // Nobody answers: the long poll tells when the task is not there, and the next look asks again.
      return null;
    }
  }

  /** Those that the ledger calls ended get the next turns. */
  #hurry(): void {
    const ended = (id: TaskId): boolean => isEnd(this.#known.get(id)?.state ?? 'queued');
    this.#turns.sort((a, b) => Number(ended(b)) - Number(ended(a)));
  }

  async #sayWaits(): Promise<void> {
    const { stopAtPeople, onWaits } = this.#options;
    let waiting = 0;
    for (const id of this.#open) {
      const view = this.#known.get(id);
      const { waitingFor } = view ?? {};
      if (view === undefined || waitingFor === null || waitingFor === undefined) continue;
      const isPersonal = needsPeople(waitingFor.kind);
      if (isPersonal) waiting += 1;
      else if (!needsHelp(waitingFor.kind) || !this.#lasts(id, waitingFor.since)) continue;
      const wait = nameOfWait(waitingFor);
      if (this.#said.get(id) === wait) continue;
      this.#said.set(id, wait);
      await onWaits(view);
    }
    if (!stopAtPeople || waiting === 0 || waiting < this.#open.size) return;
    if (await this.#stillWait()) this.#finish({ kind: 'people' });
  }

  /** By the clock of this process: since when the wait is known here. */
  #lasts(id: TaskId, since: string): boolean {
    const known = this.#first.get(id);
    if (known?.since !== since) this.#first.set(id, { since, atMs: performance.now() });
    else return performance.now() - known.atMs >= (this.#options.longMs ?? LONG_MS);
    return false;
  }

  /** The ledger may lag behind: before giving up the workflows are asked, the first few. */
  async #stillWait(): Promise<boolean> {
    const asked = await mapBounded([...this.#open].slice(0, MAX_QUERIES), QUERIES_AT_ONCE, (id) => this.#query(id));
    return asked.every((view) => view?.waitingFor === undefined || isPersons(view));
  }
}

/** Waits that end by themselves in most cases, and that somebody has to end in the others. */
export function needsHelp(kind: WaitingKind): boolean {
  return kind === 'host' || kind === 'origin';
}

function isPersons(view: TaskView): boolean {
  return view.waitingFor !== null && needsPeople(view.waitingFor.kind);
}
