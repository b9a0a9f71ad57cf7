/** Whether a history follows from the workflows of this worker: it replays it by itself, without a time limit. */

import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { workerConverter, workflowsFor, type PayloadOptions, type Workflows } from './payloads.ts';

export type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
export type HistoryEvent = NonNullable<History['events']>[number];
/** Why a history does not follow; null: it does. @throws when that cannot be told */
export type Replay = (history: History, workflowId: string) => Promise<string | null>;

/** By the workflows and the codec of this worker. */
export function replayBy(payloads: PayloadOptions, workflows: Workflows): Replay {
  return async (history, workflowId) => {
    try {
      const workflowBundle = await workflowsFor(payloads, workflows);
      await Worker.runReplayHistory({ workflowBundle, dataConverter: workerConverter(payloads) }, history, workflowId);
      return null;
    } catch (error) {
      // By its name: activities and workers have nothing else of the workflows' package.
      if (error instanceof Error && error.name === 'DeterminismViolationError') return error.message;
      throw error;
    }
  };
}
