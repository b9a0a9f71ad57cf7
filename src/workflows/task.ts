/**
 * The task workflow: carries what core/task.ts decides to the activities, and what happens back to it.
 *
 * It owns the task's state. Kept true here: every signal that it sends is confirmed before it completes or continues
 * as new (N1); a canceled attempt's process is gone before the task ends (N5).
 */

import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setDefaultSignalHandler,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { workflowIds } from '../core/ids.ts';
import { completeOutcome, completeSpec, completeTask } from '../core/older.ts';
import { actorOf, judgeReply, REPLIES, UNKNOWN_ACTOR, type ReplyName } from '../core/replies.ts';
import {
  confirmMade,
  dueAtMs,
  firstPhase,
  newTask,
  nextTask,
  noteRefusal,
  reopen,
  startOver,
  type Stage,
  type Surroundings,
  type Task,
  type TaskInputEvent,
} from '../core/task.ts';
import { phaseRequestOf } from '../core/task-request.ts';
import type { AttemptOutcome, TaskView } from '../core/task-types.ts';
import { viewOf } from '../core/task-view.ts';
import { oneLine } from '../core/text.ts';
import { failureOfActivity, runAttempt } from './activity-options.ts';
import {
  blockSignal,
  conflictSignal,
  landingReplySignal,
  releaseSignal,
  withdrawSignal,
  type MessageOutcome,
  type TaskInput,
} from './messages.ts';
import { concludeTask } from './task-conclusion.ts';
import { untilItIsAsked } from './early-replies.ts';
import { byRulesOfHistory, hearsAsFirstVersion } from './older-rules.ts';
import { Inbox } from './task-inbox.ts';
import { HandOff } from './task-hand-off.ts';
import { blockOther, makeTask, newIds, releaseOther, releasesOf } from './task-links.ts';
import { isBlock, isConflict, isRelease, isReplyTo } from './task-messages.ts';
import { answerQueries } from './task-queries.ts';
import { Recording } from './task-recording.ts';
import { Showing } from './task-showing.ts';
import { HAND_OFF_AGAIN_MS, LOOK_AT_BLOCKERS_MS, WAITS, WITHDRAW_AGAIN_MS } from './task-waits.ts';

const UNKNOWN_SIGNAL = `a task takes no signal of this name; it takes ${REPLIES.join(', ')}`;

export async function task(input: TaskInput): Promise<TaskView> {
  const run = new TaskRun(input);
  run.listen();
  await CancellationScope.nonCancellable(() => run.live());
  return run.finish();
}

class TaskRun {
  readonly #input: TaskInput;
  /** The task as it now is, shared with its recording. */
  readonly #held: { task: Task };
  readonly #recording: Recording;
  readonly #handOff: HandOff;
  readonly #inbox: Inbox;
  #cancelRequested = false;
  /** Whether the history has grown long enough for a new run. */
  #isLong = false;
  /** The scope of the attempt under way; null between attempts. */
  #attempt: CancellationScope | null = null;
  readonly #showing = new Showing();

  constructor(input: TaskInput) {
    this.#input = { ...input, spec: completeSpec(input.spec) };
    const carried = input.carried?.task;
    const surroundings = this.#surroundings();
    const task = carried === undefined ? newTask(surroundings) : this.#resumed(completeTask(carried), surroundings);
    const { originalExecutionRunId, runId } = workflowInfo();
    this.#held = { task: originalExecutionRunId === runId ? task : { ...task, reset: true } };
    this.#recording = new Recording(this.#held, this.#input.spec, () => this.#noteLength());
    this.#handOff = new HandOff(this.#input.spec, this.#recording);
    this.#inbox = new Inbox(input.carried?.handled ?? [], {
      take: (name, payload) => this.#take(name, payload),
      opening: (name, payload) => untilItIsAsked(() => this.#task, name, payload),
      hearsAsFirstVersion: () => hearsAsFirstVersion(input.spec),
    });
  }

  /** One that has ended already is here because somebody retries it; so is one that a person retries by name. */
  #resumed(carried: Task, surroundings: Surroundings): Task {
    const { retriedBy, retriedFrom = null } = this.#input;
    if (carried.stage.kind === 'ended')
      return reopen(carried, surroundings, actorOf({ actor: retriedBy ?? '' }), retriedFrom);
    return retriedBy === undefined ? carried : startOver(carried, surroundings, actorOf({ actor: retriedBy }));
  }

  get #task(): Task {
    return this.#held.task;
  }

  listen(): void {
    this.#inbox.listen();
    // A misspelt signal would otherwise wait in the workflow for ever, without a word.
    setDefaultSignalHandler((name) =>
      this.#refuse({ message: oneLine(name, 40), reason: UNKNOWN_SIGNAL, actor: UNKNOWN_ACTOR }),
    );
    setHandler(blockSignal, (message) => {
      this.#noteLength();
      if (isBlock(message)) this.#apply({ ...message, kind: 'block' });
    });
    setHandler(releaseSignal, (message) => {
      this.#noteLength();
      if (isRelease(message)) this.#apply({ ...message, kind: 'release' });
    });
    setHandler(conflictSignal, (message) => {
      this.#noteLength();
      if (isConflict(message)) this.#apply({ ...message, kind: 'conflict' });
    });
    setHandler(landingReplySignal, (reply) => {
      this.#noteLength();
      const { stage } = this.#task;
      // An answer to an earlier hand-off says nothing about this one.
      const waits = stage.kind === 'landing' || stage.kind === 'withdrawing';
      if (waits && isReplyTo(stage.checkpoint.attempt, reply)) this.#apply(reply);
    });
    answerQueries({
      spec: this.#input.spec,
      task: () => this.#task,
      handled: () => this.#inbox.handled,
      events: () => this.#recording.happened(),
    });
    void CancellationScope.current().cancelRequested.catch(() => this.#cancel());
  }

  /** From one stage to the next until the end. */
  async live(): Promise<void> {
    const { spec, carried } = this.#input;
    // A task may wait long for its first slot: it is in the lists from the start.
    if (carried === null) await this.#recording.record();
    if (this.#task.stage.kind !== 'ended') await blockOther(spec);
    while (this.#task.stage.kind !== 'ended') {
      await this.#makeProposed();
      this.#showing.show(this.#task, this.#input.spec);
      if (this.#mayBeContinued()) {
        await continueAsNew<(next: TaskInput) => Promise<TaskView>>({
          spec,
          carried: { task: this.#task, handled: this.#inbox.handled },
        });
      }
      await this.#liveStage(this.#task);
    }
    await this.#makeProposed();
    this.#showing.show(this.#task, this.#input.spec);
    await releaseOther(spec, this.#task);
    await this.#recording.recordTheEnd();
    await condition(allHandlersFinished);
    // What came meanwhile was refused, which is told too.
    await this.#recording.recordTheEnd();
  }

  /** One that has ended meanwhile is not: a run that is given an ended task takes it up again. */
  #mayBeContinued(): boolean {
    return this.#task.stage.kind !== 'ended' && this.#isLong && allHandlersFinished();
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
      case 'asking':
      case 'parked': {
        const dueMs = dueAtMs(task);
        await this.#recording.waitForChange(
          stage,
          dueMs === null ? null : Math.max(1, dueMs - Date.now()),
          WAITS[stage.kind],
        );
        return this.#apply({ kind: 'due' });
      }
      case 'blocked':
        for (const event of await releasesOf(task.blockers)) this.#apply(event);
        if (this.#task.stage === stage)
          await this.#recording.waitForChange(stage, LOOK_AT_BLOCKERS_MS, 'until it looks after what blocks it');
        return;
      case 'landing':
        if (!(await this.#handOff.give(task, stage.checkpoint))) return;
        await this.#recording.waitForChange(stage, HAND_OFF_AGAIN_MS, 'for the queue; then it is handed off again');
        if (this.#task.stage === stage || this.#task.stage.kind !== 'landing') this.#handOff.forget();
        return;
      case 'withdrawing':
        return this.#withdraw(stage);
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
      const answer = await scope.run(() => runAttempt(request, spec, task.near));
      this.#noteLength();
      this.#recording.confirm(answer);
      outcome = completeOutcome(answer.outcome);
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

  async #withdraw(stage: Extract<Stage, { kind: 'withdrawing' }>): Promise<void> {
    const { spec } = this.#input;
    const handoff = stage.checkpoint.attempt;
    const queue = getExternalWorkflowHandle(workflowIds.integration(spec.project, spec.branch));
    try {
      await queue.signal(withdrawSignal, { taskId: spec.id, handoff });
    } catch (error) {
      if (isCancellation(error)) throw error;
      // There is no queue: nothing of it can land.
      return this.#apply({ kind: 'withdrawn' });
    }
    await this.#recording.waitForChange(stage, WITHDRAW_AGAIN_MS, 'for the queue; then it is withdrawn again');
  }

  /** Starts the tasks that were proposed and accepted. */
  async #makeProposed(): Promise<void> {
    const made = this.#task.toMake;
    if (made.length === 0) return;
    for (const one of made) await makeTask(this.#input.spec, one);
    this.#held.task = confirmMade(this.#task, this.#surroundings(), made);
  }

  /** Read only when something came from outside: while a short activity ends, it is not the same in a replay. */
  #noteLength(): void {
    this.#isLong ||= workflowInfo().continueAsNewSuggested;
  }

  #take(name: ReplyName, payload: unknown): MessageOutcome {
    this.#noteLength();
    const judgement = judgeReply(name, this.#task, payload, newIds, firstPhase(this.#input.spec));
    if (judgement.kind === 'take') {
      this.#apply(judgement.event);
      return { kind: 'taken', state: viewOf(this.#task, this.#input.spec).state };
    }
    const { reason } = judgement;
    this.#refuse({ message: name, reason, actor: actorOf(payload) });
    return { kind: 'refused', reason };
  }

  #refuse(refusal: { readonly message: string; readonly reason: string; readonly actor: string }): void {
    this.#held.task = noteRefusal(this.#task, this.#surroundings(), refusal);
    this.#showing.refresh(this.#task, this.#input.spec);
  }

  #apply(event: TaskInputEvent): void {
    const surroundings = byRulesOfHistory(this.#task, event, this.#surroundings());
    this.#held.task = nextTask(this.#task, event, surroundings);
  }

  #surroundings(): Surroundings {
    return { spec: this.#input.spec, nowMs: Date.now(), random: Math.random() };
  }
}
