/**
 * How a task's workflow hands its work to the queue, with a hand-off that fails, or takes long: the activities are driven by the
 * tests; workflow, worker and server are real.
 */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import type { HandOffRequest, Recorded } from '../../src/activities/types.ts';
import { taskIdFromBytes, workflowIds } from '../../src/core/ids.ts';
import type { LandingReply } from '../../src/core/queue-types.ts';
import type { RecordRequest } from '../../src/core/task-request.ts';
import type { TaskSpec } from '../../src/core/task-types.ts';
import {
  landingReplySignal,
  TASK_QUEUES,
  updateOf,
  WORKFLOW_TYPES,
  type TaskInput,
} from '../../src/workflows/messages.ts';
import { HELD, LANDING, SPEC, taskIn } from '../core/rig.ts';
import type { HistoryEvent } from '../faults/watching.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';

const ATTEMPT = 3;
const LANDED: LandingReply = { kind: 'landed', handoff: ATTEMPT, landing: LANDING };
/**
 * A worker says every four fifths of it that a short activity still runs, and hears then what came meanwhile. For the one test
 * that waits for that: on a busy machine a workflow task takes longer, and its short activities are done again.
 */
const SHORT_WORKFLOW_TASK = '1 s';

let worker: DrivenWorker;
let tasks = 0;
let onHandOff: (request: HandOffRequest) => Promise<void>;
let handOffs: string[];
let recorded: string[];

function note(record: RecordRequest): Recorded {
  recorded.push(...record.events.map(({ happened }) => happened.kind));
  return { recordedUpTo: record.view.sequence };
}

beforeAll(async () => {
  worker = await drivenWorker({
    record: async (record: RecordRequest) => note(record),
    handOff: async (request: HandOffRequest) => {
      handOffs.push(request.item.title);
      await onHandOff(request);
      return note(request.record);
    },
  });
});

afterAll(async () => {
  await worker.stop();
});

beforeEach(() => {
  handOffs = [];
  recorded = [];
  onHandOff = async () => undefined;
});

/** A task that has just come to landing. */
async function landingTask(options: { workflowTaskTimeout?: '1 s' } = {}): Promise<WorkflowHandle> {
  const spec: TaskSpec = { ...SPEC, id: taskIdFromBytes(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 0, ++tasks)) };
  const input: TaskInput = { spec, carried: { task: taskIn('landing'), handled: [] } };
  return worker.client.workflow.start(WORKFLOW_TYPES.task, {
    workflowId: workflowIds.task(spec.id),
    taskQueue: TASK_QUEUES.tasks,
    ...options,
    args: [input],
  });
}

/** What happened to a task since its workflow was first shown a signal. */
async function eventsSinceHeard(task: WorkflowHandle): Promise<HistoryEvent[]> {
  const events = (await task.fetchHistory()).events ?? [];
  const told = events.findIndex((event) => event.workflowExecutionSignaledEventAttributes != null);
  const heard = events.findIndex((event, at) => at > told && event.workflowTaskStartedEventAttributes != null);
  return told < 0 || heard < 0 ? [] : events.slice(heard);
}

describe('a task’s hand-off', () => {
  it('that fails is done again at once, and not after the ten minutes in which an answer may come', async () => {
    onHandOff = async () => {
      if (handOffs.length < 3) throw ApplicationFailure.nonRetryable('the server is away');
    };
    const task = await landingTask();
    await eventually('three hand-offs', () => handOffs.length === 3);
    await task.signal(landingReplySignal, LANDED);
    expect(await task.result()).toMatchObject({ state: 'landed' });
    expect(handOffs).toHaveLength(3);
  });

  it('that fails again and again does not keep the task from what comes between two tries', async () => {
    onHandOff = async () => {
      throw ApplicationFailure.nonRetryable('the server is away');
    };
    const task = await landingTask();
    // The next pause is four seconds long at least.
    await eventually('four hand-offs', () => handOffs.length >= 4);
    await task.signal(landingReplySignal, LANDED);
    expect(await task.result()).toMatchObject({ state: 'landed' });
    const sinceHeard = await eventsSinceHeard(task);
    expect(sinceHeard.length).toBeGreaterThan(0);
    expect(sinceHeard.filter((event) => event.timerFiredEventAttributes != null)).toEqual([]);
  });

  it('that takes longer than landing itself keeps the task no longer than it takes', async () => {
    const task = await landingTask({ workflowTaskTimeout: SHORT_WORKFLOW_TASK });
    onHandOff = async () => {
      await task.signal(landingReplySignal, LANDED);
      await eventually('the workflow to hear of it', async () => (await eventsSinceHeard(task)).length > 0);
    };
    expect(await task.result()).toMatchObject({ state: 'landed' });
    expect(handOffs).toHaveLength(1);
  });

  it('is not done again because the task is told that it is held, or goes on, but for another title', async () => {
    const task = await landingTask();
    await eventually('the hand-off', () => handOffs.length === 1);
    for (const held of [HELD, null, HELD])
      await task.signal(landingReplySignal, { kind: 'held', handoff: ATTEMPT, held });
    await eventually('all of it to be recorded', () => recorded.filter((kind) => kind === 'held').length === 3);
    expect(handOffs).toEqual([SPEC.title]);
    await task.executeUpdate(updateOf('edit'), {
      args: [{ messageId: 'edit', title: 'Sort them', actor: 'Ada' }],
    });
    await eventually('the second hand-off', () => handOffs.length === 2);
    expect(handOffs).toEqual([SPEC.title, 'Sort them']);
    await task.signal(landingReplySignal, LANDED);
    expect(await task.result()).toMatchObject({ state: 'landed' });
  });

  it('is done again with the first title when that is back, and nobody knows whether the queue has the other', async () => {
    onHandOff = async ({ item }) => {
      if (item.title !== SPEC.title) throw ApplicationFailure.nonRetryable('the answer was lost');
    };
    const task = await landingTask();
    await eventually('the hand-off', () => handOffs.length === 1);
    const edit = async (title: string) =>
      task.executeUpdate(updateOf('edit'), { args: [{ messageId: title, title, actor: 'Ada' }] });
    await edit('Sort them');
    await eventually('the hand-off of the other title', () => handOffs.length > 1);
    await edit(SPEC.title);
    await eventually('the first title again', () => handOffs.at(-1) === SPEC.title);
    await task.signal(landingReplySignal, LANDED);
    expect(await task.result()).toMatchObject({ state: 'landed' });
  });
});
