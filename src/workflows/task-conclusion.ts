/** How a task's workflow closes: as Temporal's own states say it, so that the Web UI and its filters do. */

import { ApplicationFailure, CancelledFailure } from '@temporalio/workflow';
import type { TaskView } from '../core/task-types.ts';

/** @throws ApplicationFailure for a failed task, CancelledFailure for a canceled one */
export function concludeTask(view: TaskView): TaskView {
  if (view.state === 'failed') {
    throw ApplicationFailure.create({
      type: view.failure?.kind ?? 'failed',
      message: `${view.failure?.message ?? 'failed'}; ${view.failure?.next ?? ''}`,
      details: [view],
      nonRetryable: true,
    });
  }
  if (view.state === 'canceled') throw new CancelledFailure('canceled', [view]);
  return view;
}
