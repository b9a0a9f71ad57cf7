/** The queue's workflow on a driven worker, in the middle of its life: each has a project of its own. */

import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { parseProjectName, workflowIds } from '../../src/core/ids.ts';
import { packQueue } from '../../src/core/queue-carried.ts';
import { NEW_QUEUE, type Queue } from '../../src/core/queue.ts';
import type { QueueView } from '../../src/core/queue-types.ts';
import { queueQuery, TASK_QUEUES, WORKFLOW_TYPES, type IntegrationInput } from '../../src/workflows/messages.ts';
import { SPEC, valueOf } from '../core/rig.ts';
import { CalmReader } from './calm-reader.ts';
import type { DrivenWorker } from './driven-worker.ts';
import { workflowBundle } from './workflow-bundle.ts';

type Carried = NonNullable<IntegrationInput['carried']>;

export interface DrivenQueue {
  readonly handle: WorkflowHandle;
  view(): Promise<QueueView>;
  /** Of its history as it is; on the present workflows when none are named. @throws DeterminismViolationError */
  replay(bundle?: { readonly code: string }): Promise<void>;
}

export interface DrivenQueueOptions {
  /** What carries it: as this version packs it, when it is left out. */
  readonly packed?: (carried: Carried) => Carried;
  readonly workflowTaskTimeout?: '3 s';
}

/** What a look says that nobody could have. */
export const NO_LOOK = { known: null, main: null, runs: [], turnOver: null, slots: null };

/**
 * A worker says every four fifths of it that a short activity still runs, and the queue hears then what came meanwhile. Not shorter:
 * on a busy machine a workflow task that takes longer is done again.
 */
export const SHORT_WORKFLOW_TASK = '3 s';

let queues = 0;

/** A queue that goes on with this, and is a new one in everything else. */
export async function drivenQueue(
  { client }: DrivenWorker,
  change: Partial<Queue>,
  { packed = (carried) => carried, ...options }: DrivenQueueOptions = {},
): Promise<DrivenQueue> {
  const project = valueOf(parseProjectName(`queue${++queues}`));
  const target = { project, branch: SPEC.branch, origin: SPEC.origin };
  const input: IntegrationInput = { target, carried: packed(packQueue({ ...NEW_QUEUE, ...change })) };
  const handle = await client.workflow.start(WORKFLOW_TYPES.integration, {
    workflowId: workflowIds.integration(project, SPEC.branch),
    taskQueue: TASK_QUEUES.tasks,
    ...options,
    args: [input],
  });
  const reader = new CalmReader();
  return {
    handle,
    view: () => reader.read(handle, queueQuery),
    async replay(bundle) {
      const { code } = bundle ?? (await workflowBundle());
      await Worker.runReplayHistory({ workflowBundle: { code } }, await handle.fetchHistory(), handle.workflowId);
    },
  };
}
