/**
 * The integration workflow of one project's branch: a loop that wakes, gathers what it has heard, reconciles
 * (core/queue.ts) and carries out what should be under way.
 *
 * It owns the order of landing. Kept true here: handlers only push; what is under way is begun once a key; every reply
 * to a task is confirmed, and everything that is under way has ended, before the workflow continues as new (N1).
 */

import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { workflowIds, type TaskId } from '../core/ids.ts';
import {
  EMPTY_QUEUE,
  queueViewOf,
  reconcile,
  refusalOf,
  type Control,
  type Queue,
  type QueueCommand,
  type QueueFact,
} from '../core/queue.ts';
import { packQueue, unpackQueue } from '../core/queue-carried.ts';
import type { LandingReply } from '../core/queue-types.ts';
import { carryOut } from './integration-commands.ts';
import { isControl, isHandOff, isVerdict, isWithdrawal, itemIn } from './integration-messages.ts';
import {
  controlSignal,
  controlUpdate,
  handOffSignal,
  landingReplySignal,
  queueQuery,
  REFUSED,
  verdictSignal,
  withdrawSignal,
  type HandOffMessage,
  type IntegrationInput,
} from './messages.ts';

const SHOWN_ROWS = 20;

export async function integration(input: IntegrationInput): Promise<never> {
  const run = new IntegrationRun(input);
  run.listen();
  return run.live();
}

class IntegrationRun {
  readonly #input: IntegrationInput;
  #queue: Queue;
  /** What was heard since the last time. */
  #heard: QueueFact[] = [];
  /** The keys of what is under way. */
  readonly #underWay = new Set<string>();
  /** Hand-offs for another origin under this project's name: answered and never queued. */
  #strangers: HandOffMessage[] = [];
  #alarm: { readonly atMs: number; readonly scope: CancellationScope } | null = null;
  #rang = false;

  constructor(input: IntegrationInput) {
    this.#input = input;
    this.#queue = input.carried === null ? EMPTY_QUEUE : unpackQueue(input.carried);
  }

  listen(): void {
    setHandler(handOffSignal, (message) => {
      if (!isHandOff(message)) return log.warn('a hand-off without an item was ignored');
      if (message.origin !== this.#input.target.origin) this.#strangers.push(message);
      else this.#heard.push({ kind: 'handed-off', item: itemIn(message) });
    });
    setHandler(withdrawSignal, (message) => {
      if (isWithdrawal(message)) this.#heard.push({ kind: 'withdraw', ...message });
      else log.warn('a withdrawal without a task was ignored');
    });
    setHandler(verdictSignal, (message) => {
      if (isVerdict(message)) this.#heard.push({ kind: 'gate', ...message });
      else log.warn('a verdict without a key was ignored');
    });
    setHandler(controlUpdate, (control) => {
      const reason = isControl(control) ? refusalOf(this.#queue, control) : 'it says nothing that a queue knows';
      if (reason !== null) throw ApplicationFailure.nonRetryable(reason, REFUSED);
      this.#heard.push({ kind: 'control', control });
      return { kind: 'taken' } as const;
    });
    setHandler(controlSignal, (control: Control) => {
      if (isControl(control)) this.#heard.push({ kind: 'control', control });
      else log.warn('a word of control that a queue does not know was ignored');
    });
    setHandler(queueQuery, () => queueViewOf(this.#queue, this.#input.target, Date.now()));
  }

  /** Landing and telling go on side by side: what takes long must not keep an answer from its task. */
  async live(): Promise<never> {
    return Promise.race([this.#reconcileForever(), this.#tellForever()]);
  }

  async #reconcileForever(): Promise<never> {
    for (;;) {
      const ending = workflowInfo().continueAsNewSuggested;
      const { commands, wakeAtMs } = this.#reconcile();
      // One that ends begins nothing more: what should be under way is begun by the next run.
      if (!ending) for (const command of commands) this.#begin(command);
      else if (this.#isAtRest()) await this.#continueAsNew();
      this.#setAlarm(wakeAtMs);
      await condition(
        () => this.#heard.length > 0 || this.#rang || (workflowInfo().continueAsNewSuggested && this.#isAtRest()),
      );
    }
  }

  #reconcile() {
    this.#rang = false;
    const reconciled = reconcile(this.#queue, this.#heard.splice(0), { nowMs: Date.now(), random: Math.random() });
    this.#queue = reconciled.queue;
    setCurrentDetails(this.#details());
    return reconciled;
  }

  #begin(command: QueueCommand): void {
    const { key } = command;
    if (this.#underWay.has(key)) return;
    this.#underWay.add(key);
    void carryOut(this.#input.target, command).then((fact) => {
      this.#underWay.delete(key);
      this.#heard.push(fact);
    });
  }

  #isAtRest(): boolean {
    return this.#underWay.size === 0 && this.#heard.length === 0 && this.#told() && allHandlersFinished();
  }

  async #continueAsNew(): Promise<never> {
    this.#alarm?.scope.cancel();
    return continueAsNew<(next: IntegrationInput) => Promise<never>>({
      target: this.#input.target,
      carried: packQueue(this.#queue),
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
      .run(() => sleep(Math.max(1, atMs - Date.now())))
      .then(
        () => {
          this.#alarm = null;
          this.#rang = true;
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
    const replies = [...this.#queue.replies];
    for (const { taskId, reply } of replies) await this.#signal(taskId, reply);
    if (replies.length > 0) {
      const told: QueueFact = { kind: 'told', count: replies.length };
      this.#heard.push(told);
      await condition(() => !this.#heard.includes(told));
    }
    for (const { item, origin } of this.#strangers.splice(0)) {
      await this.#signal(item.taskId, {
        kind: 'refused',
        handoff: item.attempt,
        failure: {
          kind: 'project-taken',
          message: `the project name ${this.#input.target.project} belongs to ${this.#input.target.origin}, not to ${origin}`,
          next: 'give this repository another project name in tasks.yaml and submit again',
        },
      });
    }
  }

  async #signal(taskId: TaskId, reply: LandingReply): Promise<void> {
    try {
      await getExternalWorkflowHandle(workflowIds.task(taskId)).signal(landingReplySignal, reply);
    } catch (error) {
      // A task that is gone (terminated by an operator) cannot be told; what landed stays on main's own record.
      if (isCancellation(error)) throw error;
    }
  }

  #details(): string {
    const view = queueViewOf(this.#queue, this.#input.target, Date.now(), SHOWN_ROWS);
    const lines = [`${view.rows.length + view.more} in line, ${view.landed} landed`];
    if (view.stopped !== null) lines.push('', `**Stopped:** ${view.stopped}`);
    for (const alarm of view.alarms) lines.push('', `**Look:** ${alarm}`);
    for (const row of view.rows) {
      lines.push(
        `${row.position}. \`${row.id}\` ${row.title ?? ''}: ${row.state}${row.waitingFor === null ? '' : `, ${row.waitingFor}`}`,
      );
    }
    return lines.join('\n');
  }
}
