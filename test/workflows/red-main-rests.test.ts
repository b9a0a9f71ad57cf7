/** By which rule a queue gates a red main again that nothing waits for: the activities are the test's; workflow, workers and server are real. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { parseProjectName, workflowIds } from '../../src/core/ids.ts';
import { packQueue } from '../../src/core/queue-carried.ts';
import { NEW_QUEUE } from '../../src/core/queue.ts';
import {
  controlUpdate,
  queueQuery,
  TASK_QUEUES,
  WORKFLOW_TYPES,
  type IntegrationInput,
} from '../../src/workflows/messages.ts';
import { MAIN_RED } from '../core/queue-rig.ts';
import { objectId, SPEC, valueOf } from '../core/rig.ts';
import { CalmReader } from '../support/calm-reader.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

const reader = new CalmReader();

const ASKED = /\(0, *[\w$.]+\.patched\)\('red-rests'\)/g;

/** The present workflows, but that the history is not asked: the answer is always the same. A worker of 0.6 says no. */
async function answering(answer: boolean): Promise<{ readonly code: string }> {
  const { code } = await workflowBundle();
  expect(code.match(ASKED)).toHaveLength(1);
  return { code: code.replace(ASKED, String(answer)) };
}

let gates = 0;
const activities = {
  startMainGate: async () => {
    gates += 1;
    return { key: 'main/gate', state: { kind: 'ended', verdict: MAIN_RED } };
  },
  lookAtQueue: async () => ({ known: null, main: null, runs: [], turnOver: null, slots: null }),
  tellOfQueue: async () => undefined,
};

let queues = 0;
let begun: WorkflowHandle[] = [];

/** A queue that goes on with a red main whose time to be gated again is over. */
async function redQueue(worker: DrivenWorker, begunBy: 'this' | 'before' = 'this'): Promise<WorkflowHandle> {
  const project = valueOf(parseProjectName(`red${++queues}`));
  const nowMs = Date.now();
  const redMain = { text: 'main itself is red', logTail: '', sinceMs: nowMs - 2, tries: 3, againMs: nowMs - 1 };
  const main = { commit: objectId(9), standing: 'red', foreign: false } as const;
  const packed = packQueue({ ...NEW_QUEUE, main, redMain });
  const { redRests: _, ...older } = packed;
  const input: IntegrationInput = {
    target: { project, branch: SPEC.branch, origin: SPEC.origin },
    carried: begunBy === 'this' ? packed : older,
  };
  const queue = await worker.client.workflow.start(WORKFLOW_TYPES.integration, {
    workflowId: workflowIds.integration(project, SPEC.branch),
    taskQueue: TASK_QUEUES.tasks,
    args: [input],
  });
  begun.push(queue);
  return queue;
}

async function replay(queue: WorkflowHandle, bundle: { readonly code: string }): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: bundle }, await queue.fetchHistory(), queue.workflowId);
}

async function isAtRest(queue: WorkflowHandle): Promise<boolean> {
  return (await reader.read(queue, queueQuery)).atRest === true;
}

/** What its history was asked for, and answered that this version wrote it. */
async function patchesOf(queue: WorkflowHandle): Promise<readonly string[]> {
  const { events } = await queue.fetchHistory();
  return (events ?? []).flatMap(({ markerRecordedEventAttributes: marker }) =>
    marker?.markerName === 'core_patch' ? [JSON.stringify(marker.details)] : [],
  );
}

beforeEach(() => {
  gates = 0;
  begun = [];
});

afterEach(async () => {
  for (const queue of begun) await queue.terminate();
});

describe('a worker of this version', () => {
  let worker: DrivenWorker;

  beforeAll(async () => {
    worker = await drivenWorker(activities);
  });

  afterAll(async () => {
    await worker.stop();
  });

  it('gates a red main that nothing waits for when a person says so, and not by itself', async () => {
    const queue = await redQueue(worker);
    await eventually('it to rest', () => isAtRest(queue));
    expect(gates).toBe(0);
    await queue.executeUpdate(controlUpdate, { args: [{ action: 'resume', actor: 'Ada' }] });
    await eventually('it to rest again', async () => gates === 1 && (await isAtRest(queue)));
    expect(await patchesOf(queue)).toHaveLength(2);
    await replay(queue, await workflowBundle());
    await expect(replay(queue, await answering(false))).rejects.toThrow(DeterminismViolationError);
  });

  it('gates it by itself in a run that one of the version before has begun', async () => {
    const queue = await redQueue(worker, 'before');
    await eventually('it to be gated', () => gates === 1);
    expect(await isAtRest(queue)).toBe(false);
    expect(await patchesOf(queue)).toHaveLength(1);
  });
});

describe('a worker of the version before', () => {
  let worker: DrivenWorker;

  beforeAll(async () => {
    worker = await drivenWorker(activities, answering(false));
  });

  afterAll(async () => {
    await worker.stop();
  });

  it('gates it by itself in a run that one of this version has begun, which replays on this version', async () => {
    const queue = await redQueue(worker);
    await eventually('it to be gated', () => gates === 1);
    await eventually('that to be told', async () => (await reader.read(queue, queueQuery)).againAt !== null);
    await replay(queue, await workflowBundle());
    await expect(replay(queue, await answering(true))).rejects.toThrow(DeterminismViolationError);
  });
});
