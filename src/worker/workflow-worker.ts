/**
 * The SDK's worker of workflows, which also tells what it could not go on with: a run whose history does not follow from its
 * workflow. The SDK has no public way to hear of that but its log; it gives such a run up, and this listens there.
 */

import { Worker, type WorkerOptions } from '@temporalio/worker';
import { EvictionReason, type RemoveFromCache } from '@temporalio/worker/lib/replay.js';

interface GivenUp {
  readonly runId: string;
  readonly evictJob: RemoveFromCache;
}

/** Told of a run, each time that it did not replay, and by which build. */
export type OnWedged = (runId: string, build: string) => void;

class WorkflowWorker extends Worker {
  tell(onWedged: (runId: string) => void): void {
    this.evictionsEmitter.on('eviction', ({ runId, evictJob }: GivenUp) => {
      if (evictJob.reason === EvictionReason.NONDETERMINISM) onWedged(runId);
    });
  }
}

export async function createWorkflowWorker(options: WorkerOptions, onWedged: OnWedged): Promise<Worker> {
  const worker = await WorkflowWorker.create(options);
  if (!(worker instanceof WorkflowWorker)) throw new Error('the SDK has made another worker than it was asked for');
  // As it stands in what it writes into histories; without a version of a deployment a hash of the workflows.
  const build = options.workerDeploymentOptions?.version.buildId ?? worker.options.buildId ?? '';
  worker.tell((runId) => onWedged(runId, build));
  return worker;
}
