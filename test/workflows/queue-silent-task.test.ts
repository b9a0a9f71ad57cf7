/** A queue with a task in line that does not say what it hands off: the activities are the test's; workflow, worker and server are real. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { BuildRequest } from '../../src/activities/types.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { insert, waitingOf } from '../../src/core/queue-line.ts';
import { NEW_QUEUE, type Waiting, type Wanted } from '../../src/core/queue.ts';
import { itemOf, taskId } from '../core/rig.ts';
import { drivenQueue, NO_LOOK, type DrivenQueue } from '../support/driven-queue.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { answering } from '../support/workflow-bundle.ts';

const NOTHING = { result: { kind: 'nothing-to-land' }, main: null, run: null, slots: null, window: null };
const SILENT = taskId(1);

let asks: number;
let answers: boolean;
let built: TaskId[];
let queue: DrivenQueue;

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
  lookAtQueue: async () => NO_LOOK,
  tellOfQueue: async () => undefined,
};

/** A queue that goes on with two in line, of which it has to ask what they hand off. */
async function goOn(worker: DrivenWorker): Promise<void> {
  [asks, answers, built] = [0, false, []];
  const line = [1, 2].reduce<readonly Waiting[]>((all, task) => insert(all, waitingOf(NEW_QUEUE, itemOf(task, 1))), []);
  queue = await drivenQueue(worker, { line });
}

const rowOf = async (task: number) => (await queue.view()).rows.find(({ id }) => id === taskId(task));

afterEach(() => queue.handle.terminate());

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
    await queue.replay();
  });

  it('is taken once it does', async () => {
    await eventually('the other to be built', () => built.includes(taskId(2)));
    answers = true;
    await eventually('it to be built', () => built.includes(SILENT), 20_000);
    expect(built).toEqual([taskId(2), SILENT]);
    await queue.replay();
  });
});

describe('a worker of the version before', () => {
  let worker: DrivenWorker;

  beforeAll(async () => {
    worker = await drivenWorker(activities, answering('red-rests', false));
  });

  afterAll(async () => {
    await worker.stop();
  });

  it('has those behind it wait, which replays on this version', async () => {
    await goOn(worker);
    await eventually('it to be asked again', () => asks > 1, 20_000);
    expect(built).toEqual([]);
    await queue.replay();
  });
});
