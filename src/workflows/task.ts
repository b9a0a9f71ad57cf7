/**
 * The task workflow: carries what core/task.ts decides to the activities, and what happens back to it.
 *
 * It owns the task's state. Kept true here: every signal that it sends is confirmed before it completes or continues
 * as new (N1); a canceled attempt's process is gone before the task ends (N5); waiting holds nothing but a timer (N6);
 * what the ledger has not confirmed stays in the state and goes along with the next activity (N9).
 */

import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import { workflowIds } from '../core/ids.ts';
import { backoffMs, RECORD_BACKOFF } from '../core/retry.ts';
import {
  confirmRecorded,
  newTask,
  nextTask,
  noteRefusal,
  reopen,
  type Task,
  type TaskInputEvent,
} from '../core/task.ts';
import { phaseRequestOf, queueItemOf, recordRequestOf } from '../core/task-request.ts';
import type { AttemptOutcome, TaskView } from '../core/task-types.ts';
import { detailsOf, viewOf } from '../core/task-view.ts';
import { failureOfActivity, reasonOf, phaseActivity, shortActivities } from './activity-options.ts';
import {
  answerSignal,
  answerUpdate,
  carryQuery,
  detailQuery,
  landingReplySignal,
  REFUSED,
  retrySignal,
  retryUpdate,
  withdrawSignal,
  type HandledMessage,
  type MessageOutcome,
  type TaskInput,
} from './messages.ts';
import { concludeTask } from './task-conclusion.ts';
import { actorOf, isReplyTo, judgeAnswer, judgeRetry, outcomeOf, remember, type Judgement } from './task-messages.ts';

/** A hand-off that nobody answered is repeated: the queue takes it once. */
const HAND_OFF_AGAIN_MS = 10 * 60 * 1_000;
const WITHDRAW_AGAIN_MS = 30 * 1_000;
/** How often the end waits for a ledger that is away; with the back-off some two days. */
const MAX_FINAL_RECORDS = 3_000;

const taskState = defineSearchAttributeKey('TaskState', 'KEYWORD');
const waitingFor = defineSearchAttributeKey('WaitingFor', 'KEYWORD');

export async function task(input: TaskInput): Promise<TaskView> {
  const run = new TaskRun(input);
  run.listen();
  await CancellationScope.nonCancellable(() => run.live());
  return run.finish();
}

class TaskRun {
  readonly #input: TaskInput;
  #task: Task;
  #handled: readonly HandledMessage[];
  #cancelRequested = false;
  /** The scope of the attempt under way; null between attempts. */
  #attempt: CancellationScope | null = null;
  #shown = '';
  /** Tries in a row that could not reach the ledger. */
  #recordTries = 0;

  constructor(input: TaskInput) {
    this.#input = input;
    const carried = input.carried?.task;
    const surroundings = this.#surroundings();
    // One that has ended already is here because somebody retries it.
    this.#task =
      carried === undefined
        ? newTask(surroundings)
        : reopen(carried, surroundings, actorOf({ actor: input.retriedBy ?? '' }));
    this.#handled = input.carried?.handled ?? [];
  }

  listen(): void {
    setHandler(answerUpdate, (message) => this.#hear('answer', message, judgeAnswer(this.#task, message), 'update'));
    setHandler(answerSignal, (message) => {
      this.#hear('answer', message, judgeAnswer(this.#task, message), 'signal');
    });
    setHandler(retryUpdate, (message) => this.#hear('retry', message, judgeRetry(this.#task, message), 'update'));
    setHandler(retrySignal, (message) => {
      this.#hear('retry', message, judgeRetry(this.#task, message), 'signal');
    });
    setHandler(landingReplySignal, (reply) => {
      const { stage } = this.#task;
      // An answer to an earlier hand-off says nothing about this one.
      const waits = stage.kind === 'landing' || stage.kind === 'withdrawing';
      if (waits && isReplyTo(stage.checkpoint.attempt, reply)) this.#apply(reply);
    });
    setHandler(detailQuery, () => ({
      view: viewOf(this.#task, this.#input.spec),
      spec: this.#input.spec,
      exchanges: this.#task.exchanges,
      request: this.#task.request,
      askVersion: this.#task.stage.kind === 'asking' ? this.#task.stage.ask.version : null,
      unrecorded: this.#task.unrecorded,
    }));
    setHandler(carryQuery, () => ({
      spec: this.#input.spec,
      carried: { task: this.#task, handled: this.#handled },
    }));
    void CancellationScope.current().cancelRequested.catch(() => this.#cancel());
  }

  /** From one stage to the next until the end. */
  async live(): Promise<void> {
    // A task may wait long for its first slot: it is in the lists from the start.
    if (this.#input.carried === null) await this.#record();
    while (this.#task.stage.kind !== 'ended') {
      this.#show();
      if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
        await continueAsNew<(next: TaskInput) => Promise<TaskView>>({
          spec: this.#input.spec,
          carried: { task: this.#task, handled: this.#handled },
        });
      }
      await this.#liveStage(this.#task);
    }
    this.#show();
    await this.#recordTheEnd();
    await condition(allHandlersFinished);
  }

  finish(): TaskView {
    return concludeTask(viewOf(this.#task, this.#input.spec));
  }

  async #liveStage(task: Task): Promise<void> {
    const { stage } = task;
    switch (stage.kind) {
      case 'phase':
        return this.#runAttempt(task, stage.attempt);
      case 'backoff':
        await this.#waitForChange(Math.max(1, stage.untilMs - Date.now()));
        return this.#apply({ kind: 'due' });
      case 'asking':
      case 'parked':
        await this.#waitForChange(null);
        return;
      case 'landing':
        await this.#recordedBy(
          shortActivities.handOff({
            target: this.#target(),
            item: queueItemOf(task, this.#input.spec, stage.checkpoint),
            record: recordRequestOf(task, this.#input.spec),
          }),
        );
        await this.#waitForChange(HAND_OFF_AGAIN_MS);
        return;
      case 'withdrawing':
        await this.#withdraw(stage.checkpoint.attempt);
        return;
      case 'ended':
        return;
    }
  }

  async #runAttempt(task: Task, attempt: number): Promise<void> {
    const { spec } = this.#input;
    const request = phaseRequestOf(task, spec);
    let outcome: AttemptOutcome;
    if (this.#cancelRequested) return this.#apply({ kind: 'cancel' });
    try {
      const scope = new CancellationScope();
      this.#attempt = scope;
      const answer = await scope.run(() => phaseActivity(request.phase, attempt, spec.policy.totalTimeoutMs)(request));
      this.#confirm(answer.recordedUpTo);
      outcome = answer.outcome;
    } catch (error) {
      const failure = failureOfActivity(error);
      outcome = { kind: 'failed', failure, host: null, session: null, usage: null, checkpoint: null };
    } finally {
      this.#attempt = null;
    }
    // A cancel wins over what the attempt still brought back.
    this.#apply(this.#cancelRequested ? { kind: 'cancel' } : { kind: 'attempt-ended', attempt, outcome });
  }

  #cancel(): void {
    this.#cancelRequested = true;
    if (this.#attempt === null) this.#apply({ kind: 'cancel' });
    else this.#attempt.cancel();
  }

  async #withdraw(handoff: number): Promise<void> {
    const { spec } = this.#input;
    const queue = getExternalWorkflowHandle(workflowIds.integration(spec.project, spec.branch));
    try {
      await queue.signal(withdrawSignal, { taskId: spec.id, handoff });
    } catch (error) {
      if (isCancellation(error)) throw error;
      // There is no queue: nothing of it can land.
      return this.#apply({ kind: 'withdrawn' });
    }
    await this.#waitForChange(WITHDRAW_AGAIN_MS);
  }

  /** Waits until the task has changed or the time is over; brings the ledger up to date meanwhile. */
  async #waitForChange(timeoutMs: number | null): Promise<void> {
    const { stage } = this.#task;
    const changed = (): boolean => this.#task.stage !== stage;
    const untilMs = timeoutMs === null ? null : Date.now() + timeoutMs;
    while (!changed()) {
      if (this.#task.unrecorded.length > 0) await this.#record();
      const leftMs = untilMs === null ? null : untilMs - Date.now();
      if (leftMs !== null && leftMs <= 0) return;
      const recordMs =
        this.#task.unrecorded.length === 0 ? null : backoffMs(RECORD_BACKOFF, this.#recordTries, Math.random());
      await this.#pause(changed, leftMs, recordMs);
    }
  }

  async #pause(changed: () => boolean, leftMs: number | null, recordMs: number | null): Promise<void> {
    const timeMs = leftMs === null ? recordMs : Math.min(leftMs, recordMs ?? leftMs);
    const news = (): boolean => changed() || (recordMs === null && this.#task.unrecorded.length > 0);
    if (timeMs === null) await condition(news);
    else await condition(news, timeMs);
  }

  async #record(): Promise<void> {
    await this.#recordedBy(shortActivities.record(recordRequestOf(this.#task, this.#input.spec)));
  }

  async #recordTheEnd(): Promise<void> {
    // Somebody may be waiting for the end: begin with short waits again.
    this.#recordTries = 0;
    for (let tries = 0; tries < MAX_FINAL_RECORDS && this.#task.unrecorded.length > 0; tries += 1) {
      await this.#record();
      if (this.#task.unrecorded.length > 0) {
        await condition(() => false, backoffMs(RECORD_BACKOFF, this.#recordTries, Math.random()));
      }
    }
  }

  async #recordedBy(activity: Promise<{ readonly recordedUpTo: number | null }>): Promise<void> {
    try {
      this.#confirm((await activity).recordedUpTo);
    } catch (error) {
      // These activities fail only when the engine does; the next round tries again.
      this.#confirm(null);
      setCurrentDetails(`${detailsOf(this.#task, this.#input.spec)}\n\nThe engine has trouble: ${reasonOf(error)}`);
      await condition(() => false, backoffMs(RECORD_BACKOFF, this.#recordTries, Math.random()));
    }
  }

  #confirm(recordedUpTo: number | null): void {
    this.#recordTries = recordedUpTo === null ? this.#recordTries + 1 : 0;
    if (recordedUpTo !== null) this.#task = confirmRecorded(this.#task, recordedUpTo);
  }

  #hear(
    name: string,
    message: { readonly messageId?: string; readonly actor?: string } | undefined,
    judgement: Judgement,
    by: 'update' | 'signal',
  ): MessageOutcome {
    const before = outcomeOf(this.#handled, message?.messageId);
    const outcome = before ?? this.#decide(name, message, judgement);
    if (outcome.kind === 'refused' && by === 'update') throw ApplicationFailure.nonRetryable(outcome.reason, REFUSED);
    return outcome;
  }

  #decide(
    name: string,
    message: { readonly messageId?: string; readonly actor?: string } | undefined,
    judgement: Judgement,
  ): MessageOutcome {
    let outcome: MessageOutcome;
    if (judgement.kind === 'take') {
      this.#apply(judgement.event);
      outcome = { kind: 'taken', state: viewOf(this.#task, this.#input.spec).state };
    } else {
      const refusal = { message: name, reason: judgement.reason, actor: actorOf(message) };
      this.#task = noteRefusal(this.#task, this.#surroundings(), refusal);
      outcome = { kind: 'refused', reason: judgement.reason };
    }
    this.#handled = remember(this.#handled, message?.messageId, outcome);
    return outcome;
  }

  #apply(event: TaskInputEvent): void {
    this.#task = nextTask(this.#task, event, this.#surroundings());
  }

  /** Tells the Temporal Web UI and its searches; only what changed, since each upsert is an event. */
  #show(): void {
    const view = viewOf(this.#task, this.#input.spec);
    setCurrentDetails(detailsOf(this.#task, this.#input.spec));
    const waits = view.waitingFor?.kind ?? '';
    const shown = `${view.state} ${waits}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    upsertSearchAttributes([
      { key: taskState, value: view.state },
      { key: waitingFor, value: waits === '' ? null : waits },
    ]);
  }

  #target() {
    const { project, branch, origin } = this.#input.spec;
    return { project, branch, origin };
  }

  #surroundings() {
    return { spec: this.#input.spec, nowMs: Date.now(), random: Math.random() };
  }
}
