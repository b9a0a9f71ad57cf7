/** Whether workers poll. */

import { TASK_QUEUES } from '../workflows/messages.ts';
import { Failed } from './errors.ts';
import type { Temporal } from './temporal.ts';

// temporal.api.enums.v1.TaskQueueType, by number: the client's package does not export the enumeration itself.
const TYPES = { workflow: 1, activity: 2 };
const RECENT_MS = 90_000;
const CALL_MS = 3_000;

/** Who polled a task queue within the last minute and a half. @throws Failed */
export async function pollersOf(temporal: Temporal, name: string): Promise<readonly string[]> {
  const type = Object.fromEntries([['taskQueueType', name === TASK_QUEUES.tasks ? TYPES.workflow : TYPES.activity]]);
  const { pollers } = await temporal.within(CALL_MS, () =>
    temporal.connection.workflowService.describeTaskQueue({
      namespace: temporal.settings.namespace,
      taskQueue: { name },
      ...type,
    }),
  );
  return (pollers ?? []).flatMap(({ identity, lastAccessTime }) => {
    const ms = Number(lastAccessTime?.seconds ?? 0) * 1_000;
    return Date.now() - ms < RECENT_MS ? [identity ?? ''] : [];
  });
}

export async function isPolled(temporal: Temporal): Promise<boolean> {
  try {
    return (await pollersOf(temporal, TASK_QUEUES.tasks)).length > 0;
  } catch (error) {
    if (error instanceof Failed) return false;
    throw error;
  }
}
