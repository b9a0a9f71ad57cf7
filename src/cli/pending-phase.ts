/** How far a task's phase is, as its workflow's pending activity has it: no worker is asked. */

import type { WorkflowExecutionDescription } from '@temporalio/client';
import type { LoadedDataConverter } from '@temporalio/common';
import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import { parseProgress, type Progress } from '../core/progress.ts';

export interface PendingPhase {
  /** `scheduled`: it waits for a slot. */
  readonly state: 'scheduled' | 'started';
  /** Null until it has started. */
  readonly host: string | null;
  /** ISO 8601: when it was scheduled, or started. */
  readonly since: string | null;
  /** As of its last heartbeat, `at`, ISO 8601; null: it has said nothing yet. */
  readonly progress: (Progress & { readonly at: string | null }) | null;
}

// temporal.api.enums.v1.PendingActivityState, by number: the client's package does not export the enumeration itself.
const SCHEDULED = 1;

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** Null when no phase is scheduled or runs. @param converter of the client that asked */
export async function pendingPhaseOf(
  { raw }: Pick<WorkflowExecutionDescription, 'raw'>,
  converter: LoadedDataConverter,
): Promise<PendingPhase | null> {
  const pending = (raw.pendingActivities ?? []).find(({ activityType }) => activityType?.name === 'runPhase');
  if (pending === undefined) return null;
  const waits = isScheduled(pending);
  const [host = ''] = (pending.lastWorkerIdentity ?? '').split('@');
  return {
    state: waits ? 'scheduled' : 'started',
    host: waits || host === '' ? null : host,
    since: timeOf(waits ? pending.scheduledTime : pending.lastStartedTime),
    progress: await progressOf(pending, converter),
  };
}

/** Whether it waits for a slot. */
export function isScheduled({ state }: Pick<Pending, 'state'>): boolean {
  return Number(state) === SCHEDULED;
}

/** What its last heartbeat said; null: nothing. */
export async function progressOf(
  { heartbeatDetails, lastHeartbeatTime }: Pick<Pending, 'heartbeatDetails' | 'lastHeartbeatTime'>,
  converter: LoadedDataConverter,
): Promise<PendingPhase['progress']> {
  // What this caller cannot read says nothing to it.
  const [value] = await decodeArrayFromPayloads(converter, heartbeatDetails?.payloads).catch(() => []);
  const progress = parseProgress(value);
  return progress === null ? null : { ...progress, at: timeOf(lastHeartbeatTime) };
}

function timeOf(time: Pending['lastHeartbeatTime']): string | null {
  if (time === null || time === undefined) return null;
  return new Date(Number(time.seconds ?? 0) * 1_000 + (time.nanos ?? 0) / 1e6).toISOString();
}
