/**
 * Which gate runs of a queue still wait for a slot, as Temporal knows it: a run that nobody has taken is scheduled, and one
 * that was made ready ahead says so with its heartbeats.
 */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { LoadedDataConverter } from '@temporalio/common';
import { WAITS_FOR_SLOT } from '../core/gate-run.ts';
import { workflowIds, type ProjectName } from '../core/ids.ts';
import { runsOf, withoutSlots } from '../core/queue-slots.ts';
import type { QueueView } from '../core/queue-types.ts';
import { mapBounded } from './bounded.ts';
import { isScheduled, progressOf } from './pending-phase.ts';
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
  return description !== null && hasNoSlot(description, temporal.client.options.loadedDataConverter);
}

async function hasNoSlot(
  { raw }: Pick<WorkflowExecutionDescription, 'raw'>,
  converter: LoadedDataConverter,
): Promise<boolean> {
  const gate = (raw.pendingActivities ?? []).find(({ activityType }) => activityType?.name === 'runGate');
  if (gate === undefined) return false;
  return isScheduled(gate) || (await progressOf(gate, converter))?.text === WAITS_FOR_SLOT.text;
}
