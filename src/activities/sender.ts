/** Who sent a signal that names nobody: the identity in the history's event (N7). */

import type { Client } from '@temporalio/client';
import type { SignalRequest } from './types.ts';

const PAGE = 500;
/** A history has at most 51,200 events. */
const MAX_PAGES = 110;
const PAGE_MS = 5_000;

export async function senderOf(client: Client, request: SignalRequest): Promise<string | null> {
  const { workflowId, runId, signal, number } = request;
  let seen = 0;
  let nextPageToken: Uint8Array | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const asked = {
      namespace: client.options.namespace,
      execution: { workflowId, runId },
      maximumPageSize: PAGE,
      ...(nextPageToken === undefined ? {} : { nextPageToken }),
    };
    const response = await client.withDeadline(Date.now() + PAGE_MS, () =>
      client.workflowService.getWorkflowExecutionHistory(asked),
    );
    for (const event of response.history?.events ?? []) {
      const signaled = event.workflowExecutionSignaledEventAttributes;
      if (signaled?.signalName !== signal) continue;
      seen += 1;
      if (seen === number) return signaled.identity ?? null;
    }
    nextPageToken = response.nextPageToken ?? undefined;
    if (nextPageToken === undefined || nextPageToken.length === 0) return null;
  }
  return null;
}
