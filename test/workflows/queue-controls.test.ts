/** What people say to a queue while a short activity takes long: the activity is driven by the test; workflow, worker and server are real. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { parseProjectName, workflowIds } from '../../src/core/ids.ts';
import { packQueue } from '../../src/core/queue-carried.ts';
import { insert, waitingOf } from '../../src/core/queue-line.ts';
import { NEW_QUEUE, type Control } from '../../src/core/queue.ts';
import type { Wanted } from '../../src/core/queue.ts';
import {
  controlUpdate,
  queueQuery,
  TASK_QUEUES,
  WORKFLOW_TYPES,
  type IntegrationInput,
} from '../../src/workflows/messages.ts';
import { itemOf, SPEC, taskId, valueOf } from '../core/rig.ts';
import { CalmReader } from '../support/calm-reader.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

const ASKED = /\(0, *[\w$.]+\.patched\)\('controls-in-turn'\)/g;

/** The present workflows, but that the history is told that the version before was there. */
async function before(): Promise<{ readonly code: string }> {
  const { code } = await workflowBundle();
  expect(code.match(ASKED)).toHaveLength(1);
  return { code: code.replace(ASKED, 'false') };
}

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

/** Every four fifths of it the worker says that a short activity still runs: the queue hears then what was said meanwhile. */
const SHORT_WORKFLOW_TASK = '3 s';

let queues = 0;
let isBuilding: boolean;
let end: () => void;
let queue: WorkflowHandle;

const activities = {
  buildCandidate: async () => {
    isBuilding = true;
    await new Promise<void>((resolve) => (end = resolve));
    return AWAY;
  },
  lookAtQueue: async () => ({ known: null, main: null, runs: [], turnOver: null, slots: null }),
  askForItems: async (wanted: readonly Wanted[]) => ({ asked: wanted, items: [itemOf(1, 1)] }),
  tellOfQueue: async () => undefined,
};

async function buildingQueue(worker: DrivenWorker): Promise<void> {
  isBuilding = false;
  const project = valueOf(parseProjectName(`said${++queues}`));
  const line = insert([], waitingOf(NEW_QUEUE, itemOf(1, 1)));
  const target = { project, branch: SPEC.branch, origin: SPEC.origin };
  const input: IntegrationInput = { target, carried: packQueue({ ...NEW_QUEUE, line }) };
  queue = await worker.client.workflow.start(WORKFLOW_TYPES.integration, {
    workflowId: workflowIds.integration(project, SPEC.branch),
    taskQueue: TASK_QUEUES.tasks,
    workflowTaskTimeout: SHORT_WORKFLOW_TASK,
    args: [input],
  });
  await eventually('it to build', () => isBuilding);
}

const say = (control: Control) => queue.executeUpdate(controlUpdate, { args: [control] });
const shown = () => new CalmReader().read(queue, queueQuery);

async function replay(): Promise<void> {
  const { code } = await workflowBundle();
  await Worker.runReplayHistory({ workflowBundle: { code } }, await queue.fetchHistory(), queue.workflowId);
}

afterEach(async () => {
  end();
  await queue.terminate();
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
    await eventually('it to be held', async () => (await shown()).rows[0]?.state === 'held');
    expect((await shown()).stopped).toBeNull();
    await replay();
  });

  it('is told that one is gone that was taken out meanwhile', async () => {
    await say(REMOVE);
    await expect(say(REMOVE)).rejects.toThrow(WorkflowUpdateFailedError);
    end();
    await eventually('it to be gone', async () => (await shown()).rows.length === 0);
    await replay();
  });
});

describe('a worker of the version before', () => {
  let worker: DrivenWorker;

  beforeAll(async () => {
    worker = await drivenWorker(activities, before());
  });

  afterAll(async () => {
    await worker.stop();
  });

  it('has refused that, which replays on this version', async () => {
    await buildingQueue(worker);
    await say(PAUSE);
    await expect(say(RESUME)).rejects.toThrow(WorkflowUpdateFailedError);
    end();
    await eventually('it to be paused', async () => (await shown()).stopped !== null);
    await replay();
  });
});
