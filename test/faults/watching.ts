/** Seeing at once that something has happened: a file that appears, an event in a workflow's history. */

import { setTimeout as pause } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/client';

type History = Awaited<ReturnType<WorkflowHandle['fetchHistory']>>;
export type HistoryEvent = NonNullable<History['events']>[number];

const LIMIT_MS = 180_000;
/** How far behind what is watched the watching may be. */
const LOOK_EVERY_MS = 1;

/** Resolves within a millisecond or two of the condition, as far as the machine lets it. @throws after three minutes */
export async function atOnce(what: string, is: () => boolean): Promise<void> {
  const untilMs = Date.now() + LIMIT_MS;
  while (!is()) {
    if (Date.now() > untilMs) throw new Error(`waited ${LIMIT_MS} ms for ${what}`);
    await pause(LOOK_EVERY_MS);
  }
}

/** A moment in a workflow's life: so many events of that run. */
export interface Moment {
  readonly runId: string | undefined;
  readonly events: number;
}

/** Now; without a run where there is none yet. */
export async function momentOf(client: Client, workflowId: string): Promise<Moment> {
  try {
    const { runId, historyLength } = await client.workflow.getHandle(workflowId).describe();
    return { runId, events: historyLength };
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return BEGINNING;
    throw error;
  }
}

export const BEGINNING: Moment = { runId: undefined, events: 0 };

/**
 * Resolves when the workflow has such an event after a moment, in that run or one after it; the server answers when there is one.
 *
 * @throws after three minutes
 */
export async function untilEvent(
  client: Client,
  workflowId: string,
  after: Moment,
  is: (event: HistoryEvent) => boolean,
): Promise<void> {
  const untilMs = Date.now() + LIMIT_MS;
  let { runId, events } = after;
  let nextPageToken: Uint8Array | null = null;
  while (Date.now() < untilMs) {
    try {
      const read = () =>
        client.workflowService.getWorkflowExecutionHistory({
          namespace: client.options.namespace,
          execution: { workflowId, ...(runId === undefined ? {} : { runId }) },
          waitNewEvent: true,
          ...(nextPageToken === null ? {} : { nextPageToken }),
        });
      const page = await client.connection.withDeadline(untilMs, read);
      if ((page.history?.events ?? []).some((event) => Number(event.eventId) > events && is(event))) return;
      nextPageToken = page.nextPageToken.length > 0 ? page.nextPageToken : null;
      if (nextPageToken !== null) continue;
      // That run has ended.
      const now = await momentOf(client, workflowId);
      if (now.runId === runId) await pause(LOOK_EVERY_MS);
      else [runId, events] = [now.runId, 0];
    } catch (error) {
      // It is about to be started.
      if (!String(error).includes('not found')) throw error;
      await pause(LOOK_EVERY_MS);
    }
  }
  throw new Error(`waited ${LIMIT_MS} ms for an event of ${workflowId}`);
}

/** That a local activity has been carried out. */
export function didLocally(name: string): (event: HistoryEvent) => boolean {
  return ({ markerRecordedEventAttributes: marker }) => {
    const data = marker?.details?.['data']?.payloads?.[0]?.data;
    return data !== null && data !== undefined && Buffer.from(data).toString('utf8').includes(`"${name}"`);
  };
}

export function wasSignaled(name: string): (event: HistoryEvent) => boolean {
  return (event) => event.workflowExecutionSignaledEventAttributes?.signalName === name;
}
