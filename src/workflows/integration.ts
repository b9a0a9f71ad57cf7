/**
 * The integration workflow of one project's branch: carries what core/queue.ts decides to git and the gate.
 *
 * It owns the order of landing. Kept true here: one item at a time (strictly serial); every reply to a task is
 * confirmed before the workflow continues as new (N1); a gate run whose item was withdrawn is canceled and gone before
 * the next one begins.
 */

import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { workflowIds } from '../core/ids.ts';
import { EMPTY_QUEUE, nextQueue, queueViewOf, type Queue, type QueueEvent, type QueueStep } from '../core/queue.ts';
import type { GateVerdict, LandingReply, QueueItem } from '../core/queue-types.ts';
import { gateActivity, reasonOf, shortActivities } from './activity-options.ts';
import {
  handOffSignal,
  landingReplySignal,
  queueQuery,
  withdrawSignal,
  type HandOffMessage,
  type IntegrationInput,
} from './messages.ts';

export async function integration(input: IntegrationInput): Promise<never> {
  const run = new IntegrationRun(input);
  run.listen();
  return run.live();
}

class IntegrationRun {
  readonly #input: IntegrationInput;
  #queue: Queue;
  /** Hand-offs for another origin under this project's name: answered and never queued. */
  #strangers: HandOffMessage[] = [];
  #gate: CancellationScope | null = null;

  constructor(input: IntegrationInput) {
    this.#input = input;
    this.#queue = input.carried ?? EMPTY_QUEUE;
  }

  listen(): void {
    setHandler(handOffSignal, (message) => {
      if (!isHandOff(message)) return log.warn('a hand-off without an item was ignored');
      if (message.origin === this.#input.target.origin) this.#apply({ kind: 'enqueued', item: message.item });
      else this.#strangers.push(message);
    });
    setHandler(withdrawSignal, (message) => {
      if (typeof message?.taskId !== 'string') return log.warn('a withdrawal without a task was ignored');
      const before = this.#queue.step;
      this.#apply({ kind: 'withdraw', ...message });
      if (this.#queue.step !== before) this.#gate?.cancel();
    });
    setHandler(queueQuery, () => queueViewOf(this.#queue, this.#input.target));
  }

  /** Landing and telling go on side by side: a gate that takes an hour must not keep an answer from its task. */
  async live(): Promise<never> {
    return Promise.race([this.#landForever(), this.#tellForever()]);
  }

  async #landForever(): Promise<never> {
    for (;;) {
      setCurrentDetails(this.#details());
      if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
        await condition(() => this.#told());
        await continueAsNew<(next: IntegrationInput) => Promise<never>>({
          target: this.#input.target,
          carried: this.#queue,
        });
      }
      await this.#carryOut(this.#queue.step);
    }
  }

  async #tellForever(): Promise<never> {
    for (;;) {
      await condition(() => !this.#told());
      await this.#tell();
    }
  }

  async #carryOut(step: QueueStep): Promise<void> {
    const [item] = this.#queue.items;
    const changed = (): boolean => this.#queue.step !== step;
    switch (step.kind) {
      case 'idle':
      case 'stopped':
        await condition(changed);
        return;
      case 'building':
        if (item !== undefined) await this.#build(item);
        return;
      case 'gating':
        if (item !== undefined) await this.#runGate(item, step);
        return;
      case 'landing':
        if (item !== undefined) await this.#land(item, step);
        return;
      case 'holding':
        await condition(changed, Math.max(1, step.untilMs - Date.now()), {
          summary: 'landing is held; then it is tried again',
        });
        this.#apply({ kind: 'due' });
        return;
    }
  }

  async #build(item: QueueItem): Promise<void> {
    const before = this.#queue.step;
    const { target } = this.#input;
    const result = await shortActivities.buildCandidate({ target, item }).catch((error: unknown) => ({
      kind: 'held' as const,
      why: 'engine' as const,
      text: `a candidate could not be built: ${reasonOf(error)}`,
    }));
    // Withdrawn meanwhile: what was built is nobody's.
    if (this.#queue.step === before) this.#apply({ kind: 'built', result });
  }

  async #runGate(item: QueueItem, step: Extract<QueueStep, { kind: 'gating' }>): Promise<void> {
    const scope = new CancellationScope();
    this.#gate = scope;
    let verdict: GateVerdict;
    try {
      const request = { target: this.#input.target, item, candidate: step.candidate };
      verdict = await scope.run(() => gateActivity(item.title, step.run)(request));
    } catch (error) {
      verdict = { kind: 'none', reason: reasonOf(error) };
    } finally {
      this.#gate = null;
    }
    if (this.#queue.step === step) this.#apply({ kind: 'gated', verdict });
  }

  async #land(item: QueueItem, step: Extract<QueueStep, { kind: 'landing' }>): Promise<void> {
    const result = await shortActivities
      .land({ target: this.#input.target, item, candidate: step.candidate })
      .catch((error: unknown) => ({
        kind: 'held' as const,
        why: 'engine' as const,
        text: `landing failed: ${reasonOf(error)}`,
      }));
    this.#apply({ kind: 'pushed', result });
  }

  #told(): boolean {
    return this.#queue.replies.length === 0 && this.#strangers.length === 0;
  }

  async #tell(): Promise<void> {
    const replies = [...this.#queue.replies];
    for (const { taskId, reply } of replies) await this.#signal(taskId, reply);
    if (replies.length > 0) this.#apply({ kind: 'told', count: replies.length });
    // Each stays until it is told: an unconfirmed answer would be lost by continuing as new.
    for (let stranger = this.#strangers[0]; stranger !== undefined; stranger = this.#strangers[0]) {
      const { item, origin } = stranger;
      await this.#signal(item.taskId, {
        kind: 'refused',
        handoff: item.attempt,
        failure: {
          kind: 'project-taken',
          message: `the project name ${this.#input.target.project} belongs to ${this.#input.target.origin}, not to ${origin}`,
          next: 'give this repository another project name in tasks.yaml and submit again',
        },
      });
      this.#strangers.shift();
    }
  }

  async #signal(taskId: QueueItem['taskId'], reply: LandingReply): Promise<void> {
    try {
      await getExternalWorkflowHandle(workflowIds.task(taskId)).signal(landingReplySignal, reply);
    } catch (error) {
      // A task that is gone (terminated by an operator) cannot be told; what landed stays on main's own record.
      if (isCancellation(error)) throw error;
    }
  }

  #details(): string {
    const view = queueViewOf(this.#queue, this.#input.target);
    const lines = [`${view.rows.length} in line, ${view.landed} landed`];
    if (view.stopped !== null) lines.push('', `**Stopped:** ${view.stopped}`);
    for (const row of view.rows.slice(0, 20)) {
      lines.push(
        `${row.position}. \`${row.id}\` ${row.title}: ${row.state}${row.waitingFor === null ? '' : `, ${row.waitingFor}`}`,
      );
    }
    return lines.join('\n');
  }

  #apply(event: QueueEvent): void {
    this.#queue = nextQueue(this.#queue, event, { nowMs: Date.now(), random: Math.random() });
  }
}

/** A signal may come from anybody; one that throws here would stop landing for good. */
function isHandOff(message: Partial<HandOffMessage> | undefined): message is HandOffMessage {
  return typeof message?.origin === 'string' && typeof message.item?.taskId === 'string';
}
