/** When a queue's workflow looks again by itself: the activities are driven by the tests; workflow, worker and server are real. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { insert, waitingOf } from '../../src/core/queue-line.ts';
import { NEW_QUEUE, type Queue, type Wanted } from '../../src/core/queue.ts';
import { HOLD_BACKOFF } from '../../src/core/retry.ts';
import { controlSignal, controlUpdate } from '../../src/workflows/messages.ts';
import { itemOf } from '../core/rig.ts';
import type { HistoryEvent } from '../faults/watching.ts';
import { drivenQueue, NO_LOOK, SHORT_WORKFLOW_TASK, type DrivenQueue } from '../support/driven-queue.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';

const AWAY = {
  result: { kind: 'held', why: 'origin', text: 'away' },
  main: null,
  run: null,
  slots: null,
  window: null,
};

/** A queue looks around once a minute anyway. */
const LOOK_S = 30;

let worker: DrivenWorker;
let begun: DrivenQueue[];
let asked: number;
let looks: number;
let builds: number;
let onBuild: () => Promise<void>;

beforeAll(async () => {
  worker = await drivenWorker({
    buildCandidate: async () => {
      builds += 1;
      await onBuild();
      return AWAY;
    },
    lookAtQueue: async () => {
      looks += 1;
      return NO_LOOK;
    },
    askForItems: async (wanted: readonly Wanted[]) => {
      asked += 1;
      return asked === 1 ? { asked: [], items: [] } : { asked: wanted, items: [itemOf(1, 1)] };
    },
    tellOfQueue: async () => undefined,
  });
});

afterAll(async () => {
  await worker.stop();
});

beforeEach(() => {
  begun = [];
  asked = 0;
  looks = 0;
  builds = 0;
  onBuild = async () => undefined;
});

afterEach(async () => {
  for (const queue of begun) await queue.handle.terminate();
});

/** A queue that goes on with one in line, whose details its task still has to say. */
async function queueWithOne(
  change: Partial<Queue> = {},
  options: { workflowTaskTimeout?: '3 s' } = {},
): Promise<DrivenQueue> {
  const line = insert([], waitingOf(NEW_QUEUE, itemOf(1, 1)));
  const queue = await drivenQueue(worker, { line, ...change }, options);
  begun.push(queue);
  return queue;
}

async function stateOfFirst(queue: DrivenQueue): Promise<string | undefined> {
  return (await queue.view()).rows[0]?.state;
}

/** In how many seconds it is to wake next, of each timer that could come in this test; null while it has something to do. */
async function wakesOf(queue: WorkflowHandle): Promise<readonly number[] | null> {
  const events: readonly HistoryEvent[] = (await queue.fetchHistory()).events ?? [];
  const isAtRest =
    events.findLastIndex(({ workflowTaskCompletedEventAttributes: done }) => done != null) >
    events.findLastIndex((event) => event.workflowTaskScheduledEventAttributes ?? event.timerFiredEventAttributes);
  if (!isAtRest) return null;
  const over = new Set(
    events.map((event) => (event.timerFiredEventAttributes ?? event.timerCanceledEventAttributes)?.timerId),
  );
  return events
    .map(({ timerStartedEventAttributes: timer }) => timer)
    .filter((timer) => timer != null && !over.has(timer.timerId))
    .map((timer) => Number(timer?.startToFireTimeout?.seconds ?? 0))
    .filter((seconds) => seconds < LOOK_S);
}

/** Signals that it was shown. */
async function signalsHeard(queue: WorkflowHandle): Promise<number> {
  const events: readonly HistoryEvent[] = (await queue.fetchHistory()).events ?? [];
  const shown = events.findLastIndex((event) => event.workflowTaskStartedEventAttributes != null);
  return events.filter((event, at) => at < shown && event.workflowExecutionSignaledEventAttributes != null).length;
}

async function timersFired(queue: WorkflowHandle): Promise<number> {
  const { events } = await queue.fetchHistory();
  return (events ?? []).filter(({ timerFiredEventAttributes }) => timerFiredEventAttributes != null).length;
}

describe('a queue', () => {
  it('asks a task again that did not answer, though its next look came first', async () => {
    const queue = await queueWithOne({ lookMs: Date.now() + 2_000 });
    await eventually('it to be asked again', () => asked === 2, 20_000);
    expect(await timersFired(queue.handle)).toBeLessThanOrEqual(3);
  });

  it('that is paused is not woken again and again by one that was to be tried again', async () => {
    asked = 1;
    const queue = await queueWithOne();
    await eventually('it to be held', async () => (await stateOfFirst(queue)) === 'held');
    await queue.handle.executeUpdate(controlUpdate, { args: [{ action: 'pause', actor: 'Ada' }] });
    await eventually('nothing to wake it', async () => (await wakesOf(queue.handle))?.length === 0, 20_000);
  });

  it('goes by the same times in a replay, whatever it has heard while a short activity ran', async () => {
    asked = 1;
    const queue = await queueWithOne({}, { workflowTaskTimeout: SHORT_WORKFLOW_TASK });
    const resume = { action: 'resume', actor: 'Ada' } as const;
    onBuild = async () => {
      if (builds > 1) return;
      await queue.handle.signal(controlSignal, resume);
      await eventually('it to hear that', async () => (await signalsHeard(queue.handle)) >= 1);
      await queue.handle.signal(controlSignal, resume);
      await eventually('it to hear that', async () => (await signalsHeard(queue.handle)) >= 2);
      const heardMs = Date.now();
      await eventually('what it holds from then on to be due', () => Date.now() - heardMs > 2 * HOLD_BACKOFF.firstMs);
      await queue.handle.signal(controlSignal, resume);
    };
    await eventually('it to be tried again', () => builds > 1, 20_000);
    await queue.handle.signal(controlSignal, resume);
    await eventually('it to hear that', async () => (await signalsHeard(queue.handle)) >= 4, 20_000);
    await expect(queue.replay()).resolves.toBeUndefined();
  });
});
