/**
 * The activities' way to the ledger: an unreachable ledger is a value, never a failure, and is left alone for a moment,
 * so that a ledger that is down costs no activity its connection time-out again and again (N9). Whatever happens to a task
 * comes by here, so this is also where people are told of it.
 */

import type { PhaseRequest, RecordRequest } from '../core/task-request.ts';
import { isEnd } from '../core/task-types.ts';
import { messageOf } from '../core/thrown.ts';
import { LedgerUnavailable } from '../ledger/types.ts';
import type { Dependencies } from './dependencies.ts';
import type { NoticeStarter } from './notice-start.ts';
import type { Recorded } from './types.ts';

const LEAVE_ALONE_MS = 1_000;

type Attempted<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'away' };

export class Recorder {
  readonly #deps: Pick<Dependencies, 'ledger' | 'spool' | 'hostId' | 'log' | 'onEnded' | 'onRecorded' | 'onWaiting'>;
  readonly #notices: Pick<NoticeStarter, 'tell'>;
  #awayUntilMs = 0;

  constructor(
    deps: Pick<Dependencies, 'ledger' | 'spool' | 'hostId' | 'log' | 'onEnded' | 'onRecorded' | 'onWaiting'>,
    notices: Pick<NoticeStarter, 'tell'>,
  ) {
    this.#deps = deps;
    this.#notices = notices;
  }

  async record(request: RecordRequest): Promise<Recorded> {
    const { view, events } = request;
    if (view.state === 'waiting') this.#deps.onWaiting();
    if (request.reset === true) {
      // Its events are renumbered first, if need be: those of the run before would be overwritten, and told twice.
      const known = await this.#ledgerAt(request);
      if (known.kind === 'away') return { recordedUpTo: null };
      if (known.value > view.sequence) return { recordedUpTo: null, ledgerAt: known.value };
    }
    // Whether or not the ledger is there: people are told all the same.
    const [recorded, told] = await Promise.all([
      this.attempt('record', () => this.#deps.ledger.record(view, events)),
      this.#notices.tell(request),
    ]);
    if (recorded.kind === 'away') return { recordedUpTo: null };
    this.#deps.onRecorded(view);
    if (isEnd(view.state)) this.#deps.onEnded(view, view.id);
    // What nobody could be told of comes again with the next record.
    return { recordedUpTo: told ? view.sequence : null };
  }

  /** Records what led here and that the attempt has begun; the host alone knows when, so it keeps that for the ledger. */
  async begin(request: PhaseRequest): Promise<Recorded> {
    const { attempt } = request;
    const taskId = request.spec.id;
    const begun = { taskId, attempt, host: this.#deps.hostId, startedAt: new Date().toISOString() };
    const recorded = await this.record(request.record);
    const marked = await this.attempt('begin-attempt', () =>
      this.#deps.ledger.beginAttempt(taskId, attempt, begun.host, begun.startedAt),
    );
    if (marked.kind === 'away') await this.#deps.spool.addBegun(begun);
    return recorded;
  }

  /** Up to which event the ledger knows of a task. */
  #ledgerAt({ view }: RecordRequest): Promise<Attempted<number>> {
    return this.attempt('read-task', async () => (await this.#deps.ledger.readTask(view.id))?.sequence ?? 0);
  }

  /** A call of the ledger, or the word that it is away. */
  async attempt<T>(what: string, call: () => Promise<T>): Promise<Attempted<T>> {
    if (performance.now() < this.#awayUntilMs) return { kind: 'away' };
    try {
      return { kind: 'done', value: await call() };
    } catch (error) {
      this.#awayUntilMs = performance.now() + LEAVE_ALONE_MS;
      const reason = messageOf(error);
      this.#deps.log(error instanceof LedgerUnavailable ? 'ledger unavailable' : 'ledger refused a call', {
        what,
        reason,
      });
      return { kind: 'away' };
    }
  }
}
