/** When a queue's workflow looks again by itself: the activities are driven by the tests; workflow, worker and server are real. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { parseProjectName, workflowIds } from '../../src/core/ids.ts';
import { packQueue } from '../../src/core/queue-carried.ts';
import { insert, waitingOf } from '../../src/core/queue-line.ts';
import type { Queue, Wanted } from '../../src/core/queue.ts';
import { NEW_QUEUE } from '../../src/core/queue.ts';
import type { Target } from '../../src/core/queue-types.ts';
import {
  controlUpdate,
  queueQuery,
  TASK_QUEUES,
  WORKFLOW_TYPES,
  type IntegrationInput,
} from '../../src/workflows/messages.ts';
import { itemOf, SPEC, valueOf } from '../core/rig.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';

const AWAY = {
  result: { kind: 'held', why: 'origin', text: 'away' },
  main: null,
  run: null,
  slots: null,
  window: null,
};

let worker: DrivenWorker;
let queues = 0;
let begun: WorkflowHandle[];
let asked: number;
let looks: number;

beforeAll(async () => {
  worker = await drivenWorker({
    buildCandidate: async () => AWAY,
    lookAtQueue: async () => {
      looks += 1;
      return { known: null, main: null, runs: [], turnOver: null, slots: null };
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
});

afterEach(async () => {
  for (const queue of begun) await queue.terminate();
});

/** A queue that goes on with one in line, whose details its task still has to say. */
async function queueWithOne(change: Partial<Queue> = {}): Promise<WorkflowHandle> {
  const project = valueOf(parseProjectName(`demo${++queues}`));
  const target: Target = { project, branch: SPEC.branch, origin: SPEC.origin };
  const line = insert([], waitingOf(NEW_QUEUE, itemOf(1, 1)));
  const input: IntegrationInput = { target, carried: packQueue({ ...NEW_QUEUE, line, ...change }) };
  const queue = await worker.client.workflow.start(WORKFLOW_TYPES.integration, {
    workflowId: workflowIds.integration(project, SPEC.branch),
    taskQueue: TASK_QUEUES.tasks,
    args: [input],
  });
  begun.push(queue);
  return queue;
}

async function stateOfFirst(queue: WorkflowHandle): Promise<string | undefined> {
  return (await queue.query(queueQuery)).rows[0]?.state;
}

async function timersFired(queue: WorkflowHandle): Promise<number> {
  const { events } = await queue.fetchHistory();
  return (events ?? []).filter(({ timerFiredEventAttributes }) => timerFiredEventAttributes != null).length;
}

describe('a queue', () => {
  it('asks a task again that did not answer, though its next look came first', async () => {
    const queue = await queueWithOne({ lookMs: Date.now() + 2_000 });
    await eventually('it to be asked again', () => asked === 2, 20_000);
    expect(await timersFired(queue)).toBeLessThanOrEqual(3);
  });

  it('that is paused does not look again and again at one that was to be tried again', async () => {
    asked = 1;
    const queue = await queueWithOne();
    await eventually('it to be held', async () => (await stateOfFirst(queue)) === 'held');
    await queue.executeUpdate(controlUpdate, { args: [{ action: 'pause', actor: 'Ada' }] });
    const before = await timersFired(queue);
    await eventually('its time to be over', async () => (await timersFired(queue)) > before);
    // Another one's timer is the clock by which nothing more must have come.
    const other = await queueWithOne({ lookMs: Date.now() + 3_000 });
    await eventually('the look of another queue', () => looks > 0);
    expect(await timersFired(other)).toBeGreaterThan(0);
    expect(await timersFired(queue)).toBe(before + 1);
  });
});
