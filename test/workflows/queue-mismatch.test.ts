/** A task that is canceled while main is not what was tested: the activities are the test's; workflow, worker and server are real. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { NEW_QUEUE } from '../../src/core/queue.ts';
import { controlUpdate, withdrawSignal } from '../../src/workflows/messages.ts';
import { ALL_TOLD, built, candidate, green, handedOff, MAIN, pushed, run } from '../core/queue-rig.ts';
import { candidateOf, LANDING, objectId, taskId } from '../core/rig.ts';
import { drivenQueue, NO_LOOK, type DrivenQueue } from '../support/driven-queue.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';

const HALTED = run(
  NEW_QUEUE,
  handedOff(1),
  built(1, candidate(1)),
  green(1),
  pushed(1, { kind: 'mismatch', text: 'main is at another tree' }),
  ALL_TOLD,
);

describe('a task that is canceled while main is not what was tested', () => {
  let worker: DrivenWorker;
  let queue: DrivenQueue;
  let builds = 0;
  let lands = 0;

  beforeAll(async () => {
    worker = await drivenWorker({
      buildCandidate: async () => {
        builds += 1;
        const main = { commit: objectId(MAIN), since: 'first', vanished: [] };
        const result = { kind: 'candidate', candidate: { ...candidateOf(101), main: main.commit }, knownGreen: true };
        return { result, main, run: null, slots: 1, window: null };
      },
      land: async () => {
        lands += 1;
        return { kind: 'landed', landing: LANDING };
      },
      lookAtQueue: async () => NO_LOOK,
      tellOfQueue: async () => undefined,
    });
  });

  afterAll(async () => {
    await worker.stop();
  });

  afterEach(() => queue.handle.terminate());

  it('does not land once main is right', async () => {
    queue = await drivenQueue(worker, HALTED);
    await queue.handle.signal(withdrawSignal, { taskId: taskId(1), handoff: 1 });
    await queue.handle.executeUpdate(controlUpdate, { args: [{ action: 'resume', actor: 'Ada' }] });
    await eventually('it to leave the queue', async () => (await queue.view()).rows.length === 0);
    expect([builds, lands]).toEqual([1, 0]);
    await queue.replay();
  });
});
