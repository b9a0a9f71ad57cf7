/** Tasks whose workflows were terminated; nobody is there who could be asked what they were. */

import { afterAll, afterEach, beforeAll, expect, it, jest } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { Client } from '@temporalio/client';
import { taskIdFromBytes, workflowIds, type TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { LedgerUnavailable } from '../../src/ledger/types.ts';
import { EndedFromOutside, type EndedFromOutsideOptions } from '../../src/worker/ended-from-outside.ts';
import { view } from '../ledger/rig.ts';
import { openWorkflow } from '../support/closed-workflow.ts';
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

async function terminated(count: number): Promise<readonly TaskId[]> {
  const ids = Array.from({ length: count }, () => taskIdFromBytes(randomBytes(16)));
  for (const id of ids) {
    await openWorkflow(client, id);
    await client.workflow.getHandle(workflowIds.task(id)).terminate('wanted no more');
  }
  return ids;
}

/** What the ledger was told, and the log. */
function look(change: Partial<EndedFromOutsideOptions> = {}, onRecord: readonly TaskView[] = []) {
  const told: TaskId[] = [];
  const log: string[] = [];
  const ledger = {
    readTasks: () => Promise.resolve(onRecord),
    endFromOutside: (id: TaskId) => {
      told.push(id);
      return Promise.resolve();
    },
  };
  looking = new EndedFromOutside({ client, ledger, everyMs: 20, log: (message) => log.push(message), ...change });
  looking.start();
  return { told, log };
}

const all = (ids: readonly TaskId[], told: readonly TaskId[]): Promise<boolean> =>
  eventually('all to be told of', () => ids.every((id) => told.includes(id)));

it('tells of each, also where the one before can be asked nothing', async () => {
  const ids = await terminated(3);
  const { told, log } = look();
  await all(ids, told);
  expect(new Set(log)).toEqual(
    new Set(['a task was ended from outside, and not all could be told; it is tried again']),
  );
});

it('tells nothing of one that was set back or begun anew since', async () => {
  const [before] = await terminated(1);
  const [again] = await terminated(1);
  const [after] = await terminated(1);
  if (before === undefined || again === undefined || after === undefined) throw new Error('they were not made');
  await openWorkflow(client, again);
  const { told } = look();
  // In whichever order they are looked at, it is between these.
  await all([before, after], told);
  expect(told).not.toContain(again);
});

it('tells of more than one look takes', async () => {
  const ids = await terminated(5);
  const { told } = look({ mostALook: 2 });
  await all(ids, told);
});

/** The worker begins three days after all that was ended. */
function lookLater(onRecord: readonly TaskView[]) {
  const now = Date.now();
  const clock = jest.spyOn(Date, 'now').mockReturnValue(now + 3 * 24 * 60 * 60_000);
  try {
    return look({}, onRecord);
  } finally {
    clock.mockRestore();
  }
}

it('tells of one that was ended while no worker was there for days', async () => {
  const ids = await terminated(1);
  const { told } = lookLater(ids.map((id) => view({ id })));
  await all(ids, told);
});

it('leaves one to the worker that was there days ago, when its end is on record', async () => {
  const [before, ended, after] = [await terminated(1), await terminated(1), await terminated(1)];
  const { told } = lookLater(ended.map((id) => view({ id, endedAt: '2026-02-03T04:05:06.789Z' })));
  // In whichever order they are looked at, it is between these.
  await all([...before, ...after], told);
  expect(ended.filter((id) => told.includes(id))).toEqual([]);
});

it('gives none up while the ledger is away', async () => {
  await terminated(1);
  let tries = 0;
  const ledger = {
    readTasks: () => Promise.resolve([]),
    endFromOutside: () => {
      tries += 1;
      return Promise.reject(new LedgerUnavailable('it is away'));
    },
  };
  const { log } = look({ ledger, everyMs: 1 });
  await eventually('many tries', () => tries > 70);
  expect(new Set(log)).toEqual(new Set(['tasks that were ended from outside are looked for again']));
});
