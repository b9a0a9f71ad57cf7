/** How many tasks `tasks ledger rebuild` asks that nobody answers for: each may take seconds. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { readFacts, type Asking, type ReadFacts } from '../../src/cli/rebuild/temporal-facts.ts';
import { openTemporal, type Temporal } from '../../src/cli/temporal.ts';
import { taskIdFromBytes, workflowIds, type TaskId } from '../../src/core/ids.ts';
import { answerQuery, answerTask, openWorkflow } from '../support/closed-workflow.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';
import { view } from '../ledger/rig.ts';

describe('tasks that are asked what happened to them', () => {
  let namespace: TestNamespace;
  let temporal: Temporal;
  let asking: Asking;

  beforeAll(async () => {
    namespace = await testNamespace();
    const server = { address: namespace.address, namespace: namespace.namespace, apiKey: null, tls: false };
    temporal = openTemporal({ ...server, from: 'environment', uiUrl: null }, null);
  });
  beforeEach(() => {
    asking = { unanswered: 0 };
  });
  afterAll(async () => {
    await temporal.close();
    await namespace.drop();
  });

  /** A closed one, which is asked at once. */
  async function terminated(prepare: (id: TaskId) => Promise<void> = async () => undefined): Promise<TaskId> {
    const id = taskIdFromBytes(randomBytes(16));
    await openWorkflow(temporal.client, id);
    await prepare(id);
    await temporal.task(id).terminate();
    return id;
  }

  async function read(id: TaskId): Promise<ReadFacts> {
    const { runId, startTime } = await temporal.task(id).describe();
    return readFacts(
      temporal,
      id,
      [{ workflowId: workflowIds.task(id), runId, startTime, status: 'TERMINATED' }],
      asking,
    );
  }

  const silent = async (): Promise<void> => {
    expect(await read(await terminated())).toMatchObject({ facts: null, why: expect.stringContaining('no worker') });
  };
  const answering = async (): Promise<void> => {
    // Who has never polled is not waited for by a query.
    const id = await terminated((begun) => answerTask(namespace, begun));
    const reading = read(id);
    await answerQuery(namespace, id, { view: view({ id }), events: [] });
    expect(await reading).toMatchObject({ facts: { view: { id } }, why: null });
  };

  it('are asked no more once four in a row were not answered for', async () => {
    for (let count = 0; count < 6; count += 1) await silent();
    expect(asking.unanswered).toBe(4);
  });

  it('are asked on behind one that is answered for', async () => {
    for (let count = 0; count < 3; count += 1) await silent();
    await answering();
    for (let count = 0; count < 3; count += 1) await silent();
    await answering();
    expect(asking.unanswered).toBe(0);
  });
});
