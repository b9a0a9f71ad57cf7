/**
 * The activities' way to the ledger: an unreachable ledger is a value, never a failure, and is left alone for a moment,
 * so that a ledger that is down costs no activity its connection time-out again and again (N9).
 */

import type { PhaseRequest, RecordRequest } from '../core/task-request.ts';
import { isEnd } from '../core/task-types.ts';
import { messageOf } from '../core/thrown.ts';
import { LedgerUnavailable } from '../ledger/types.ts';
import type { Dependencies } from './dependencies.ts';
import type { Recorded } from './types.ts';

const LEAVE_ALONE_MS = 1_000;

export class Recorder {
  readonly #deps: Pick<Dependencies, 'ledger' | 'hostId' | 'log' | 'onEnded'>;
  #awayUntilMs = 0;

  constructor(deps: Pick<Dependencies, 'ledger' | 'hostId' | 'log' | 'onEnded'>) {
    this.#deps = deps;
  }

  async record(request: RecordRequest): Promise<Recorded> {
    const { view, events } = request;
    const recorded = await this.attempt('record', () => this.#deps.ledger.record(view, events));
    if (recorded.kind === 'away') return { recordedUpTo: null };
    if (isEnd(view.state)) this.#deps.onEnded(view, view.id);
    return { recordedUpTo: view.sequence };
  }

  /** Records what led here and that the attempt has begun. */
  async begin(request: PhaseRequest): Promise<Recorded> {
    const startedAt = new Date().toISOString();
    const recorded = await this.record(request.record);
    if (recorded.recordedUpTo === null) return recorded;
    await this.attempt('begin-attempt', () =>
      this.#deps.ledger.beginAttempt(request.spec.id, request.attempt, this.#deps.hostId, startedAt),
    );
    return recorded;
  }

  /** A call of the ledger, or the word that it is away. */
  async attempt<T>(
    what: string,
    call: () => Promise<T>,
  ): Promise<{ readonly kind: 'done'; readonly value: T } | { readonly kind: 'away' }> {
    if (Date.now() < this.#awayUntilMs) return { kind: 'away' };
    try {
      return { kind: 'done', value: await call() };
    } catch (error) {
      this.#awayUntilMs = Date.now() + LEAVE_ALONE_MS;
      const reason = messageOf(error);
      this.#deps.log(error instanceof LedgerUnavailable ? 'ledger unavailable' : 'ledger refused a call', {
        what,
        reason,
      });
      return { kind: 'away' };
    }
  }
}
