/**
 * Queries of workflows, asked only while a workflow rests, and once for each state of its history.
 *
 * A query that reaches a worker while a workflow task of the same run waits for a local activity takes that task's
 * place in the SDK: the task times out, and what comes meanwhile is found in another order when the history is replayed
 * (docs/adr/0014). Tests that look every few milliseconds would meet that; people hardly do.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { QueryDefinition, WorkflowHandle } from '@temporalio/client';

const LOOK_EVERY_MS = 10;
/** One that never rests is asked all the same. */
const MAX_LOOKS = 50;

export class CalmReader {
  readonly #known = new Map<string, { readonly mark: string; readonly value: unknown }>();

  async read<T>(handle: WorkflowHandle, query: QueryDefinition<T>): Promise<T> {
    const mark = await restOf(handle);
    const key = `${handle.workflowId} ${query.name}`;
    const known = this.#known.get(key);
    // What has no newer event says what it said; the type is the query's, by whose name it is kept.
    if (known?.mark === mark) return known.value as T;
    const value = await handle.query(query);
    this.#known.set(key, { mark, value });
    return value;
  }
}

/** What tells one state of the history from the next, once two looks have seen the same. */
async function restOf(handle: WorkflowHandle): Promise<string> {
  let mark = await markOf(handle);
  for (let look = 0; look < MAX_LOOKS; look += 1) {
    await pause(LOOK_EVERY_MS);
    const next = await markOf(handle);
    if (next === mark) break;
    mark = next;
  }
  return mark;
}

async function markOf(handle: WorkflowHandle): Promise<string> {
  const { runId, historyLength, status } = await handle.describe();
  return `${runId} ${historyLength} ${status.name}`;
}
