/** By which rule a queue gates a red main again that nothing waits for: the activities are the test's; workflow, workers and server are real. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DeterminismViolationError } from '@temporalio/workflow';
import { controlUpdate } from '../../src/workflows/messages.ts';
import { MAIN_RED } from '../core/queue-rig.ts';
import { objectId } from '../core/rig.ts';
import { drivenQueue, NO_LOOK, type DrivenQueue, type DrivenQueueOptions } from '../support/driven-queue.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { answering } from '../support/workflow-bundle.ts';

const RULE = 'red-rests';

let gates = 0;
const activities = {
  startMainGate: async () => {
    gates += 1;
    return { key: 'main/gate', state: { kind: 'ended', verdict: MAIN_RED } };
  },
  lookAtQueue: async () => NO_LOOK,
  tellOfQueue: async () => undefined,
};

let begun: DrivenQueue[] = [];

/** A queue that goes on with a red main whose time to be gated again is over. */
async function redQueue(worker: DrivenWorker, begunBy: 'this' | 'before' = 'this'): Promise<DrivenQueue> {
  const nowMs = Date.now();
  const redMain = { text: 'main itself is red', logTail: '', sinceMs: nowMs - 2, tries: 3, againMs: nowMs - 1 };
  const main = { commit: objectId(9), standing: 'red', foreign: false } as const;
  const packed: DrivenQueueOptions['packed'] = (carried) => {
    const { redRests: _, ...older } = carried;
    return begunBy === 'this' ? carried : older;
  };
  const queue = await drivenQueue(worker, { main, redMain }, { packed });
  begun.push(queue);
  return queue;
}

async function isAtRest(queue: DrivenQueue): Promise<boolean> {
  return (await queue.view()).atRest === true;
}

/** What its history was asked for, and answered that this version wrote it. */
async function patchesOf({ handle }: DrivenQueue): Promise<readonly string[]> {
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap(({ markerRecordedEventAttributes: marker }) =>
    marker?.markerName === 'core_patch' ? [JSON.stringify(marker.details)] : [],
  );
}

beforeEach(() => {
  gates = 0;
  begun = [];
});

afterEach(async () => {
  for (const queue of begun) await queue.handle.terminate();
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
    await queue.handle.executeUpdate(controlUpdate, { args: [{ action: 'resume', actor: 'Ada' }] });
    await eventually('it to rest again', async () => gates === 1 && (await isAtRest(queue)));
    expect(await patchesOf(queue)).toHaveLength(2);
    await queue.replay();
    await expect(queue.replay(await answering(RULE, false))).rejects.toThrow(DeterminismViolationError);
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
    worker = await drivenWorker(activities, answering(RULE, false));
  });

  afterAll(async () => {
    await worker.stop();
  });

  it('gates it by itself in a run that one of this version has begun, which replays on this version', async () => {
    const queue = await redQueue(worker);
    await eventually('it to be gated', () => gates === 1);
    await eventually('that to be told', async () => (await queue.view()).againAt !== null);
    await queue.replay();
    await expect(queue.replay(await answering(RULE, true))).rejects.toThrow(DeterminismViolationError);
  });
});
