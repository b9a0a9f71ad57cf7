/**
 * What people send to a task's workflow, taken in the order in which it came.
 *
 * It owns the memory of messages that were handled, and the place of each signal in the history. Kept true here (N7): a
 * message counts once, by update or by signal, and gets its first outcome each time; a signal is taken before those that
 * came after it, however long it takes to find out who sent it.
 */

import { ApplicationFailure, CancellationScope, setHandler, workflowInfo } from '@temporalio/workflow';
import { heardByFirstVersion } from '../core/older.ts';
import { actorOf, fieldsOf, REPLIES, UNKNOWN_ACTOR, type ReplyName } from '../core/replies.ts';
import { isRecord } from '../core/text.ts';
import { senderOf } from './activity-options.ts';
import {
  REFUSED,
  REPLY_DESCRIPTIONS,
  signalOf,
  updateOf,
  type HandledMessage,
  type MessageOutcome,
} from './messages.ts';
import { outcomeOf, remember } from './task-messages.ts';

/** More than the run takes from its first line to its first activity. */
const TURNS_OF_A_STEP = 20;

export interface Taking {
  /** Has a message count, or not. */
  take(name: ReplyName, payload: unknown): MessageOutcome;
  /** Resolves when it is known what a reply is to; null: it is now. */
  opening(name: ReplyName, payload: unknown): Promise<unknown> | null;
  /** Whether the history is of the first version, and has to be followed. */
  hearsAsFirstVersion(): boolean;
}

export class Inbox {
  readonly #taking: Taking;
  #handled: readonly HandledMessage[];
  /** Signals of each name so far in this run: the history's events are found by it. */
  readonly #signals = new Map<string, number>();
  /** The signals that are still to be taken, one behind the other. */
  #line: Promise<void> = Promise.resolve();
  #inLine = 0;
  /** What came before the run had begun is handed over while handlers are set. */
  #hasBegun = false;

  constructor(handled: readonly HandledMessage[], taking: Taking) {
    this.#handled = handled;
    this.#taking = taking;
  }

  get handled(): readonly HandledMessage[] {
    return this.#handled;
  }

  listen(): void {
    for (const name of REPLIES) {
      const description = REPLY_DESCRIPTIONS[name];
      setHandler(updateOf(name), (payload) => this.#update(name, payload), { description });
      setHandler(signalOf(name), (payload) => this.#signal(name, payload), { description });
    }
    this.#hasBegun = true;
  }

  #update(name: ReplyName, payload: unknown): MessageOutcome | Promise<MessageOutcome> {
    const opening = this.#taking.opening(name, payload);
    if (opening !== null) return opening.then(() => told(this.#once(name, payload)));
    const outcome = this.#once(name, payload);
    const isLater = !this.#hasBegun && this.#taking.hearsAsFirstVersion();
    return isLater ? firstStep().then(() => told(outcome)) : told(outcome);
  }

  #signal(name: ReplyName, payload: unknown): Promise<void> {
    const number = (this.#signals.get(name) ?? 0) + 1;
    this.#signals.set(name, number);
    const opening = this.#taking.opening(name, payload);
    if (opening === null) return this.#signalNow(name, number, payload);
    return opening.then(() => this.#signalNow(name, number, payload));
  }

  #signalNow(name: ReplyName, number: number, payload: unknown): Promise<void> {
    const isNameless = actorOf(payload) === UNKNOWN_ACTOR;
    const isAsked = isNameless && !this.#taking.hearsAsFirstVersion();
    const heard = isNameless && !isAsked ? heardByFirstVersion(payload) : payload;
    if (!isAsked && this.#inLine === 0) {
      this.#once(name, heard);
      return this.#line;
    }
    this.#inLine += 1;
    this.#line = this.#line.then(async () => {
      this.#once(name, isAsked ? await withSender(name, number, heard) : heard);
      this.#inLine -= 1;
    });
    return this.#line;
  }

  #once(name: ReplyName, payload: unknown): MessageOutcome {
    const messageId = isRecord(payload) ? payload['messageId'] : undefined;
    const before = outcomeOf(this.#handled, messageId);
    if (before !== null) return before;
    const outcome = this.#taking.take(name, payload);
    this.#handled = remember(this.#handled, messageId, outcome);
    return outcome;
  }
}

/** @throws what was refused, with its reason */
function told(outcome: MessageOutcome): MessageOutcome {
  if (outcome.kind === 'refused') throw ApplicationFailure.nonRetryable(outcome.reason, REFUSED);
  return outcome;
}

/** Resolves when the run has done what it begins with, in the same workflow task. */
async function firstStep(): Promise<void> {
  for (let turns = 0; turns < TURNS_OF_A_STEP; turns += 1) await Promise.resolve();
}

/** One that names nobody has its sender in the history's event. */
async function withSender(name: ReplyName, number: number, payload: unknown): Promise<unknown> {
  const { workflowId, runId } = workflowInfo();
  const actor = await CancellationScope.nonCancellable(() =>
    senderOf({ workflowId, runId, signal: name, number }).catch(() => null),
  );
  return actor === null ? payload : { ...fieldsOf(payload), actor };
}
