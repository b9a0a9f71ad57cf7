/** What people say to a queue while a short activity takes long: the activity is driven by the test; workflow, worker and server are real. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { insert, waitingOf } from '../../src/core/queue-line.ts';
import { NEW_QUEUE, type Control, type Wanted } from '../../src/core/queue.ts';
import { controlUpdate } from '../../src/workflows/messages.ts';
import { itemOf, taskId } from '../core/rig.ts';
import { drivenQueue, NO_LOOK, SHORT_WORKFLOW_TASK, type DrivenQueue } from '../support/driven-queue.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { answering } from '../support/workflow-bundle.ts';

const AWAY = {
  result: { kind: 'held', why: 'origin', text: 'away' },
  main: null,
  run: null,
  slots: null,
  window: null,
};
const actor = 'Ada';
const PAUSE: Control = { action: 'pause', actor };
const RESUME: Control = { action: 'resume', actor };
const REMOVE: Control = { action: 'remove', actor, taskId: taskId(1) };

let isBuilding: boolean;
/** Builds that wait for the test; none does once it is over, or the worker would wait for it for good. */
const waiting: (() => void)[] = [];
let isOver: boolean;
let queue: DrivenQueue;

const activities = {
  buildCandidate: async () => {
    isBuilding = true;
    if (!isOver) await new Promise<void>((resolve) => void waiting.push(resolve));
    return AWAY;
  },
  lookAtQueue: async () => NO_LOOK,
  askForItems: async (wanted: readonly Wanted[]) => ({ asked: wanted, items: [itemOf(1, 1)] }),
  tellOfQueue: async () => undefined,
};

async function buildingQueue(worker: DrivenWorker): Promise<void> {
  isBuilding = false;
  isOver = false;
  const line = insert([], waitingOf(NEW_QUEUE, itemOf(1, 1)));
  queue = await drivenQueue(worker, { line }, { workflowTaskTimeout: SHORT_WORKFLOW_TASK });
  await eventually('it to build', () => isBuilding);
}

const say = (control: Control) => queue.handle.executeUpdate(controlUpdate, { args: [control] });

function end(): void {
  for (const go of waiting.splice(0)) go();
}

afterEach(async () => {
  isOver = true;
  end();
  await queue.handle.terminate();
});

describe('while something is built, a person', () => {
  let worker: DrivenWorker;

  beforeAll(async () => {
    worker = await drivenWorker(activities);
  });

  afterAll(async () => {
    await worker.stop();
  });

  beforeEach(() => buildingQueue(worker));

  it('resumes a queue that was paused meanwhile', async () => {
    await say(PAUSE);
    expect(await say(RESUME)).toEqual({ kind: 'taken' });
    end();
    await eventually('it to be held', async () => (await queue.view()).rows[0]?.state === 'held');
    expect((await queue.view()).stopped).toBeNull();
    await queue.replay();
  });

  it('is told that one is gone that was taken out meanwhile', async () => {
    await say(REMOVE);
    await expect(say(REMOVE)).rejects.toThrow(WorkflowUpdateFailedError);
    end();
    await eventually('it to be gone', async () => (await queue.view()).rows.length === 0);
    await queue.replay();
  });
});

describe('a worker of the version before', () => {
  let worker: DrivenWorker;

  beforeAll(async () => {
    worker = await drivenWorker(activities, answering('controls-in-turn', false));
  });

  afterAll(async () => {
    await worker.stop();
  });

  it('has refused that, which replays on this version', async () => {
    await buildingQueue(worker);
    await say(PAUSE);
    await expect(say(RESUME)).rejects.toThrow(WorkflowUpdateFailedError);
    end();
    await eventually('it to be paused', async () => (await queue.view()).stopped !== null);
    await queue.replay();
  });
});
