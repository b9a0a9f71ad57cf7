/**
 * The integration workflow of one project's branch: a loop that wakes, gathers what it has heard, reconciles
 * (core/queue.ts) and carries out what should be under way.
 *
 * It owns the order of landing. Kept true here: handlers only push; every reply to a task is confirmed before
 * the workflow continues as new (N1).
 */

import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { TAKEN_NEXT } from '../core/moved-origin.ts';
import { shownOrigin } from '../core/origin-url.ts';
import {
  queueDetailsOf,
  queueViewOf,
  reconcile,
  type Control,
  type Queue,
  type QueueClock,
  type QueueCommand,
  type QueueFact,
} from '../core/queue.ts';
import { FACTS_A_RUN, packQueue } from '../core/queue-carried.ts';
import { newsOf, NOTHING_TOLD, type QueueNewsRequest, type ToldOfQueue } from '../core/queue-news.ts';
import type { LandingReply, QueueView } from '../core/queue-types.ts';
import { reasonOf, tellOfQueue } from './activity-options.ts';
import { carryOut } from './integration-commands.ts';
import { refusalInTurn } from './integration-controls.ts';
import { isControl, isHandOff, isVerdict, isWithdrawal, itemIn } from './integration-messages.ts';
import {
  controlSignal,
  controlUpdate,
  handOffSignal,
  queueQuery,
  REFUSED,
  verdictSignal,
  withdrawSignal,
  type HandOffMessage,
  type IntegrationInput,
} from './messages.ts';
import { begunBy, byOfferedRules, type Offered } from './offered-rules.ts';
import { tellTask, tellTasks } from './telling.ts';

const SHOWN_ROWS = 20;
const ASK_AGAIN_MS = 5_000;
const MAX_NEWS = 20;

export async function integrationV2(input: IntegrationInput): Promise<never> {
  const run = new IntegrationRun(input);
  run.listen();
  return run.live();
}

class IntegrationRun {
  readonly #input: IntegrationInput;
  #queue: Queue;
  /** The newer rules that there are for this run ({@link byOfferedRules}). */
  readonly #offered: Offered;
  /** What was heard since the last time. */
  #heard: QueueFact[] = [];
  /** How many there were. */
  #facts = 0;
  #nowMs = Date.now();
  /** Tasks that did not answer are not asked again before then. */
  #askAgainMs = 0;
  /** What people were told of the queue, and what they are still to be told. */
  #toldPeople: ToldOfQueue;
  #news: readonly QueueNewsRequest[];
  /** Hand-offs for another origin under this project's name: answered and never queued. */
  #strangers: HandOffMessage[] = [];
  #alarm: { readonly atMs: number; readonly scope: CancellationScope } | null = null;
  #rang = false;
  /** While short activities run the clock is not read: in a replay it may show already when they end. */
  #isCarryingOut = false;
  /** Whether the history has grown long enough. */
  #isEnding = false;

  constructor(input: IntegrationInput) {
    this.#input = input;
    this.#toldPeople = input.people?.told ?? NOTHING_TOLD;
    this.#news = input.people?.news ?? [];
    const { queue, offered } = begunBy(input);
    this.#queue = queue;
    this.#offered = offered;
  }

  listen(): void {
    setHandler(handOffSignal, (message) => {
      if (!isHandOff(message)) return log.warn('a hand-off without an item was ignored');
      if (message.origin !== this.#input.target.origin) this.#strangers.push(message);
      else this.#hear({ kind: 'handed-off', item: itemIn(message) });
    });
    setHandler(withdrawSignal, (message) => {
      if (isWithdrawal(message)) this.#hear({ kind: 'withdraw', ...message });
      else log.warn('a withdrawal without a task was ignored');
    });
    setHandler(verdictSignal, (message) => {
      if (isVerdict(message)) this.#hear({ kind: 'gate', ...message });
      else log.warn('a verdict without a key was ignored');
    });
    setHandler(controlUpdate, (control) => {
      const reason = isControl(control)
        ? refusalInTurn(this.#queue, this.#heard, control, this.#clock(0))
        : 'it says nothing that a queue knows';
      if (reason !== null) throw ApplicationFailure.nonRetryable(reason, REFUSED);
      this.#hear({ kind: 'control', control });
      return { kind: 'taken' } as const;
    });
    setHandler(controlSignal, (control: Control) => {
      if (isControl(control)) this.#hear({ kind: 'control', control });
      else log.warn('a word of control that a queue does not know was ignored');
    });
    setHandler(queueQuery, () => queueViewOf(this.#queue, this.#input.target, Date.now()));
  }

  #clock(random: number): QueueClock {
    return { nowMs: this.#nowMs, random, project: this.#input.target.project };
  }

  /** Landing and telling go on side by side: what takes long must not keep an answer from its task. */
  async live(): Promise<never> {
    return Promise.race([this.#reconcileForever(), this.#tellForever(), this.#tellPeopleForever()]);
  }

  /**
   * What should be under way is carried out together, and what came of it is taken together, in its order: local
   * activities that run side by side end in another order in a replay.
   */
  async #reconcileForever(): Promise<never> {
    for (;;) {
      const { commands, wakeAtMs } = this.#reconcile();
      const due = commands.filter((command) => this.#isDue(command));
      // An alarm that was to ring before has rung: what is not due yet needs one of its own.
      const isAsking = this.#queue.toldOnce === true && due.length < commands.length;
      this.#setAlarm(isAsking ? Math.min(this.#askAgainMs, wakeAtMs ?? this.#askAgainMs) : wakeAtMs);
      // One that ends begins nothing more: what should be under way is begun by the next run.
      const begun = this.#isEnding ? [] : due;
      if (begun.length > 0) {
        this.#isCarryingOut = this.#offered.toldOnce === true;
        const facts = await Promise.all(begun.map((command) => carryOut(this.#input.target, command)));
        this.#isCarryingOut = false;
        facts.forEach((fact) => this.#take(fact));
        continue;
      }
      if (this.#isEnding && this.#isAtRest()) await this.#continueAsNew();
      await condition(() => this.#heard.length > 0 || this.#rang || (this.#isEnding && this.#isAtRest()));
    }
  }

  #isDue({ kind }: QueueCommand): boolean {
    return kind !== 'details' || this.#nowMs >= this.#askAgainMs;
  }

  #take(fact: QueueFact): void {
    this.#note(fact);
    if (fact.kind !== 'details' || fact.isWhole) return;
    this.#askAgainMs = this.#nowMs + ASK_AGAIN_MS;
    this.#setAlarm(this.#askAgainMs);
  }

  #hear(fact: QueueFact): void {
    this.#wake();
    this.#note(fact);
  }

  #note(fact: QueueFact): void {
    this.#heard.push(fact);
    this.#facts += 1;
    // Counted by itself, and not by the history's length: that is not the same in a replay.
    this.#isEnding ||= this.#facts >= (this.#input.factsARun ?? Number.POSITIVE_INFINITY);
  }

  /**
   * The time and the suggestion to end are read only when something came from outside: while a local activity ends, they
   * are not the same in a replay.
   */
  #wake(): void {
    if (!this.#isCarryingOut) this.#nowMs = Math.max(this.#nowMs, Date.now());
    this.#isEnding ||= workflowInfo().continueAsNewSuggested;
  }

  #reconcile() {
    this.#rang = false;
    const clock = this.#clock(Math.random());
    const heard = this.#heard.splice(0);
    const before = byOfferedRules(this.#queue, heard, clock, this.#offered);
    const reconciled = reconcile(before, heard, clock);
    this.#queue = reconciled.queue;
    const view = queueViewOf(this.#queue, this.#input.target, this.#nowMs, SHOWN_ROWS);
    this.#noteNews(before, view);
    setCurrentDetails(queueDetailsOf(view));
    return reconciled;
  }

  #noteNews(before: Queue, { alarms }: QueueView): void {
    const { target } = this.#input;
    const context = { target, nowMs: this.#nowMs };
    const { told, news } = newsOf(this.#toldPeople, before, this.#queue, alarms, context);
    this.#toldPeople = told;
    const main = this.#queue.main?.commit ?? null;
    if (news.length === 0) return;
    this.#news = [...this.#news, ...news.map((one) => ({ target, main, news: one }))].slice(-MAX_NEWS);
  }

  /** One after another: that landing goes on must not come before that it has stopped. */
  async #tellPeopleForever(): Promise<never> {
    for (;;) {
      await condition(() => this.#news.length > 0);
      for (let next = this.#news[0]; next !== undefined; next = this.#news[0]) {
        await tellOfQueue(next).catch((error: unknown) => log.warn(`people were not told: ${reasonOf(error)}`));
        const told = next;
        this.#news = this.#news.filter((one) => one !== told);
      }
    }
  }

  #isAtRest(): boolean {
    return this.#heard.length === 0 && this.#told() && allHandlersFinished();
  }

  async #continueAsNew(): Promise<never> {
    this.#alarm?.scope.cancel();
    return continueAsNew<(next: IntegrationInput) => Promise<never>>({
      target: this.#input.target,
      carried: packQueue(this.#queue),
      factsARun: FACTS_A_RUN,
      // What is being told is told again: each notice has its name, and is begun once.
      people: { told: this.#toldPeople, news: this.#news },
    });
  }

  /** One timer serves many wakings: one that rings early does no harm. */
  #setAlarm(atMs: number | null): void {
    if (atMs === null || (this.#alarm !== null && this.#alarm.atMs <= atMs)) return;
    this.#alarm?.scope.cancel();
    const scope = new CancellationScope();
    const alarm = { atMs, scope };
    this.#alarm = alarm;
    void scope
      .run(() => sleep(Math.max(1, atMs - this.#nowMs), { summary: 'then the queue is looked at again' }))
      .then(
        () => {
          this.#alarm = null;
          this.#rang = true;
          this.#wake();
          // What was due then is due now, whatever the clocks of timers say.
          this.#nowMs = Math.max(this.#nowMs, alarm.atMs);
        },
        () => undefined,
      );
  }

  async #tellForever(): Promise<never> {
    for (;;) {
      await condition(() => !this.#told());
      await this.#tell();
    }
  }

  #told(): boolean {
    return this.#queue.replies.length === 0 && this.#strangers.length === 0;
  }

  async #tell(): Promise<void> {
    if (this.#queue.replies.length > 0) {
      const count = await tellTasks(this.#queue, () => this.#wake());
      const told: QueueFact = { kind: 'told', count };
      this.#note(told);
      await condition(() => !this.#heard.includes(told));
    }
    // Each stays until it is told: an unconfirmed answer would be lost by continuing as new.
    for (let stranger = this.#strangers[0]; stranger !== undefined; stranger = this.#strangers[0]) {
      const { item, origin } = stranger;
      const reply: LandingReply = {
        kind: 'refused',
        handoff: item.attempt,
        failure: {
          kind: 'project-taken',
          message: `the project name ${this.#input.target.project} belongs to ${shownOrigin(this.#input.target.origin)}, not to ${shownOrigin(origin)}`,
          next: TAKEN_NEXT,
        },
      };
      await tellTask(item.taskId, reply, () => this.#wake());
      this.#strangers.shift();
    }
  }
}
