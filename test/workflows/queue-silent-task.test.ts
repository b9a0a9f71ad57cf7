/** A queue with a task in line that does not say what it hands off: the activities are the test's; workflow, worker and server are real. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { BuildRequest } from '../../src/activities/types.ts';
import { parseProjectName, workflowIds, type TaskId } from '../../src/core/ids.ts';
import { packQueue } from '../../src/core/queue-carried.ts';
import { insert, waitingOf } from '../../src/core/queue-line.ts';
import type { Waiting, Wanted } from '../../src/core/queue.ts';
import { NEW_QUEUE } from '../../src/core/queue.ts';
import { queueQuery, TASK_QUEUES, WORKFLOW_TYPES, type IntegrationInput } from '../../src/workflows/messages.ts';
import { itemOf, SPEC, taskId, valueOf } from '../core/rig.ts';
import { CalmReader } from '../support/calm-reader.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

const ASKED = /\(0, *[\w$.]+\.patched\)\('red-rests'\)/g;

/** The present workflows, but that the version before was there. */
async function before(): Promise<{ readonly code: string }> {
  const { code } = await workflowBundle();
  expect(code.match(ASKED)).toHaveLength(1);
  return { code: code.replace(ASKED, 'false') };
}

const NOTHING = { result: { kind: 'nothing-to-land' }, main: null, run: null, slots: null, window: null };
const SILENT = taskId(1);

let queues = 0;
let asks: number;
let answers: boolean;
let built: TaskId[];
let queue: WorkflowHandle;

const activities = {
  buildCandidate: async ({ item }: BuildRequest) => {
    built.push(item.taskId);
    return NOTHING;
  },
  askForItems: async (wanted: readonly Wanted[]) => {
    asks += 1;
    const asked = wanted.filter((one) => answers || one.taskId !== SILENT);
    return { asked, items: asked.map((one) => ({ ...itemOf(1, 1), ...one })) };
  },
  lookAtQueue: async () => ({ known: null, main: null, runs: [], turnOver: null, slots: null }),
  tellOfQueue: async () => undefined,
};

/** A queue that goes on with two in line, of which it has to ask what they hand off. */
async function goOn(worker: DrivenWorker): Promise<void> {
  [asks, answers, built] = [0, false, []];
  const project = valueOf(parseProjectName(`silent${++queues}`));
  const line = [1, 2].reduce<readonly Waiting[]>((all, task) => insert(all, waitingOf(NEW_QUEUE, itemOf(task, 1))), []);
  const target = { project, branch: SPEC.branch, origin: SPEC.origin };
  const input: IntegrationInput = { target, carried: packQueue({ ...NEW_QUEUE, line }) };
  queue = await worker.client.workflow.start(WORKFLOW_TYPES.integration, {
    workflowId: workflowIds.integration(project, SPEC.branch),
    taskQueue: TASK_QUEUES.tasks,
    args: [input],
  });
}

const rowOf = async (task: number) =>
  (await new CalmReader().read(queue, queueQuery)).rows.find(({ id }) => id === taskId(task));

async function replay(bundle: { readonly code: string }): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: bundle }, await queue.fetchHistory(), queue.workflowId);
}

afterEach(() => queue.terminate());

describe('a task that does not say what it hands off', () => {
  let worker: DrivenWorker;

  beforeAll(async () => {
    worker = await drivenWorker(activities);
  });

  afterAll(async () => {
    await worker.stop();
  });

  beforeEach(() => goOn(worker));

  it('keeps those behind it from nothing, and its row says why it waits', async () => {
    await eventually('the other to be built', () => built.includes(taskId(2)));
    expect((await rowOf(1))?.waitingFor).toMatch(/does not answer/);
    expect(built).not.toContain(SILENT);
    await replay(await workflowBundle());
  });

  it('is taken once it does', async () => {
    await eventually('the other to be built', () => built.includes(taskId(2)));
    answers = true;
    await eventually('it to be built', () => built.includes(SILENT), 20_000);
    expect(built).toEqual([taskId(2), SILENT]);
    await replay(await workflowBundle());
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

  it('has those behind it wait, which replays on this version', async () => {
    await goOn(worker);
    await eventually('it to be asked again', () => asks > 1, 20_000);
    expect(built).toEqual([]);
    await replay(await workflowBundle());
  });
});
