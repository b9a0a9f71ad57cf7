/** Tasks that were canceled, and then set back by a worker that died before it asked for the cancel again. */

import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { taskIdFromBytes, workflowIds, type TaskId } from '../../src/core/ids.ts';
import { EndedFromOutside } from '../../src/worker/ended-from-outside.ts';
import { SET_BACK } from '../../src/worker/lost-cancel.ts';
import { answerTask, openWorkflow } from '../support/closed-workflow.ts';
import { eventually } from '../support/eventually.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';

let namespace: TestNamespace;
let client: Client;
let looking: EndedFromOutside | null = null;
beforeAll(async () => {
  namespace = await testNamespace();
  client = new Client({ connection: namespace.connection, namespace: namespace.namespace });
});
afterEach(async () => {
  await looking?.stop();
});
afterAll(() => namespace.drop());

/** After its first task, which it has done. */
async function setBack(reason: string, isCanceled = true): Promise<TaskId> {
  const id = taskIdFromBytes(randomBytes(16));
  await openWorkflow(client, id);
  await answerTask(namespace, id);
  const handle = client.workflow.getHandle(workflowIds.task(id));
  if (isCanceled) await handle.cancel();
  const { events } = await handle.fetchHistory();
  const done = events?.find(({ workflowTaskCompletedEventAttributes: completed }) => (completed ?? null) !== null);
  await client.workflowService.resetWorkflowExecution({
    namespace: namespace.namespace,
    workflowExecution: { workflowId: handle.workflowId },
    workflowTaskFinishEventId: done?.eventId ?? null,
    reason,
    requestId: id,
  });
  return id;
}

async function cancelsOf(id: TaskId): Promise<number> {
  const { events } = await client.workflow.getHandle(workflowIds.task(id)).fetchHistory();
  return (events ?? []).filter((event) => (event.workflowExecutionCancelRequestedEventAttributes ?? null) !== null)
    .length;
}

/** Resolves when all that were there have been looked at: one that was terminated is told of in the same look. */
async function look(): Promise<void> {
  const told: TaskId[] = [];
  const ledger = {
    readTasks: () => Promise.resolve([]),
    endFromOutside: (id: TaskId) => {
      told.push(id);
      return Promise.resolve();
    },
  };
  const terminated = async (): Promise<TaskId> => {
    const id = taskIdFromBytes(randomBytes(16));
    await openWorkflow(client, id);
    await client.workflow.getHandle(workflowIds.task(id)).terminate('wanted no more');
    return id;
  };
  await terminated();
  looking = new EndedFromOutside({ client, ledger, everyMs: 20, log: () => undefined });
  looking.start();
  await eventually('a look', () => told.length > 0);
  const last = await terminated();
  await eventually('a look at what came since', () => told.includes(last));
  await looking.stop();
}

it('are canceled by whoever looks next, once', async () => {
  const id = await setBack(SET_BACK);
  expect(await cancelsOf(id)).toBe(0);
  await look();
  await eventually('the cancel', async () => (await cancelsOf(id)) === 1);
  await look();
  expect(await cancelsOf(id)).toBe(1);
});

it('are canceled no more once they were begun anew', async () => {
  const id = await setBack(SET_BACK);
  await client.workflow.getHandle(workflowIds.task(id)).terminate('wanted no more');
  await openWorkflow(client, id);
  await look();
  expect(await cancelsOf(id)).toBe(0);
});

it('stay as a person has set them back', async () => {
  const id = await setBack('canceled by mistake');
  await look();
  expect(await cancelsOf(id)).toBe(0);
});

it('are not canceled when nobody had asked for that', async () => {
  const id = await setBack(SET_BACK, false);
  await look();
  expect(await cancelsOf(id)).toBe(0);
});
