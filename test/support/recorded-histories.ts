/** Histories of a released version, as files: written by scripts/record-histories.js, replayed by test/replay. */

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

/** The folder that every history of a run of the tests goes to; undefined when none is kept. */
export const recordTo = process.env['RECORD_HISTORIES'];

/** Writes the histories of a namespace's workflows into the folder: of those that the query finds. */
export async function recordHistories(client: Client, folder: string, query: string): Promise<void> {
  for await (const { workflowId, runId, type } of client.workflow.list({ query })) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    await writeFile(
      join(folder, `${type}-${randomBytes(6).toString('hex')}.json`),
      JSON.stringify({ workflowId, history: JSON.parse(historyToJSON(history)) }),
    );
  }
}
