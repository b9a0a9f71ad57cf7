/** Which gate runs of a queue still wait for a slot, as Temporal knows it: a run that nobody has taken is scheduled. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import { workflowIds, type ProjectName } from '../core/ids.ts';
import { runsOf, withoutSlots } from '../core/queue-slots.ts';
import type { QueueView } from '../core/queue-types.ts';
import { mapBounded } from './bounded.ts';
import { isScheduled } from './pending-phase.ts';
import { CALL_MS, type Temporal } from './temporal.ts';

const AT_ONCE = 8;
/** More runs than a host has slots. */
const MAX_ASKED = 32;

/** The view with what its gate runs wait for; of runs that cannot be asked after it is as it was. */
export async function withGateSlots(temporal: Temporal, view: QueueView): Promise<QueueView> {
  const runs = runsOf(view).slice(0, MAX_ASKED);
  const waiting = await mapBounded(runs, AT_ONCE, async (run) =>
    (await waitsForSlot(temporal, view.project, run)) ? [run] : [],
  );
  return withoutSlots(view, new Set(waiting.flat()));
}

async function waitsForSlot(temporal: Temporal, project: ProjectName, run: string): Promise<boolean> {
  const handle = temporal.client.workflow.getHandle(workflowIds.gate(project, run));
  const description = await temporal.within(CALL_MS, () => handle.describe()).catch(() => null);
  return description !== null && hasNoSlot(description);
}

function hasNoSlot({ raw }: Pick<WorkflowExecutionDescription, 'raw'>): boolean {
  const gates = (raw.pendingActivities ?? []).filter(({ activityType }) => activityType?.name === 'runGate');
  return gates.length > 0 && gates.every(isScheduled);
}
