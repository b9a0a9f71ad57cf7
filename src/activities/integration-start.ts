/** Signal-with-start exists on the client alone; with a hand-off that the queue takes once, doing it twice is harmless. */

import type { Client } from '@temporalio/client';
import { workflowIds } from '../core/ids.ts';
import { shownOrigin } from '../core/origin-url.ts';
import { FACTS_A_RUN } from '../core/queue-carried.ts';
import { RULES } from '../core/queue-state.ts';
import type { QueueItem, Target } from '../core/queue-types.ts';

// Spelled out, since activities may not import workflows; test/activities compares them with workflows/messages.ts.
export const INTEGRATION = { type: 'integrationV2', taskQueue: 'tasks', handOff: 'hand-off' } as const;

/** One that is not told in time is tried again, with what came of the first one or not. */
const CALL_MS = 10_000;

export async function integrationStart(client: Client, target: Target, item: QueueItem): Promise<void> {
  await client.withDeadline(Date.now() + CALL_MS, () => start(client, target, item));
}

async function start(client: Client, target: Target, item: QueueItem): Promise<void> {
  await client.workflow.signalWithStart(INTEGRATION.type, {
    workflowId: workflowIds.integration(target.project, target.branch),
    taskQueue: INTEGRATION.taskQueue,
    args: [{ target, carried: null, ...RULES, factsARun: FACTS_A_RUN }],
    signal: INTEGRATION.handOff,
    signalArgs: [{ origin: target.origin, item }],
    workflowIdConflictPolicy: 'USE_EXISTING',
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    staticSummary: `Landing on ${target.branch} of ${target.project}`,
    staticDetails: `Origin: ${shownOrigin(target.origin)}`,
  });
}
