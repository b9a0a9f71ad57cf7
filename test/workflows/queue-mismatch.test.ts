/** A task that is canceled while main is not what was tested: the activities are the test's; workflow, worker and server are real. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { parseProjectName, workflowIds } from '../../src/core/ids.ts';
import { packQueue } from '../../src/core/queue-carried.ts';
import { NEW_QUEUE } from '../../src/core/queue.ts';
import {
  controlUpdate,
  queueQuery,
  TASK_QUEUES,
  withdrawSignal,
  WORKFLOW_TYPES,
  type IntegrationInput,
} from '../../src/workflows/messages.ts';
import { ALL_TOLD, built, candidate, green, handedOff, MAIN, pushed, run } from '../core/queue-rig.ts';
import { candidateOf, LANDING, objectId, SPEC, taskId, valueOf } from '../core/rig.ts';
import { CalmReader } from '../support/calm-reader.ts';
import { drivenWorker, type DrivenWorker } from '../support/driven-worker.ts';
import { eventually } from '../support/eventually.ts';
import { workflowBundle } from '../support/workflow-bundle.ts';

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
  let queue: WorkflowHandle;
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
      lookAtQueue: async () => ({ known: null, main: null, runs: [], turnOver: null, slots: null }),
      tellOfQueue: async () => undefined,
    });
  });

  afterAll(async () => {
    await worker.stop();
  });

  afterEach(() => queue.terminate());

  it('does not land once main is right', async () => {
    const project = valueOf(parseProjectName('mismatch'));
    const target = { project, branch: SPEC.branch, origin: SPEC.origin };
    const input: IntegrationInput = { target, carried: packQueue(HALTED) };
    queue = await worker.client.workflow.start(WORKFLOW_TYPES.integration, {
      workflowId: workflowIds.integration(project, SPEC.branch),
      taskQueue: TASK_QUEUES.tasks,
      args: [input],
    });
    const shown = () => new CalmReader().read(queue, queueQuery);
    await queue.signal(withdrawSignal, { taskId: taskId(1), handoff: 1 });
    await queue.executeUpdate(controlUpdate, { args: [{ action: 'resume', actor: 'Ada' }] });
    await eventually('it to leave the queue', async () => (await shown()).rows.length === 0);
    expect([builds, lands]).toEqual([1, 0]);
    const { code } = await workflowBundle();
    await Worker.runReplayHistory({ workflowBundle: { code } }, await queue.fetchHistory(), queue.workflowId);
  });
});
