/** N8 where tasks end: workspaces and refs go on proof alone. Workflows are closed here by answering their first task. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { taskIdFromBytes, workflowIds, type TaskId } from '../../src/core/ids.ts';
import { portOwners } from '../../src/core/ports.ts';
import type { Target } from '../../src/core/queue-types.ts';
import type { Checkpoint, EndKind, TaskView } from '../../src/core/task-types.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { noteHibernated, readHibernated } from '../../src/local/hibernated.ts';
import { openPortLeases } from '../../src/local/port-leases.ts';
import { Janitor, type JanitorOptions } from '../../src/worker/janitor.ts';
import { answerQuery, answerTask, closeWorkflow, openWorkflow } from '../support/closed-workflow.ts';
import { eventually } from '../support/eventually.ts';
import { bareOrigin, git, newRoom, worked } from '../support/git-rig.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';

let namespace: TestNamespace;
let client: Client;
let target: Target;
let room: GitRoom;
let home: string;
let log: string[];

beforeAll(async () => {
  namespace = await testNamespace();
  client = new Client({ connection: namespace.connection, namespace: namespace.namespace });
});

beforeEach(async () => {
  ({ target } = await bareOrigin());
  ({ room, home } = await newRoom());
  log = [];
});

afterAll(() => namespace.drop());

/** A task with a workspace and scratch files here, and a checkpoint on the origin. */
async function task(): Promise<TaskId> {
  return (await taskWithWork()).id;
}

async function taskWithWork(): Promise<{ readonly id: TaskId; readonly checkpoint: Checkpoint }> {
  const id = taskIdFromBytes(randomBytes(16));
  const { base, head, attempt } = await worked(room, target, { [`${id}.txt`]: 'done\n' }, id);
  await mkdir(scratch(id), { recursive: true });
  await writeFile(join(scratch(id), 'left'), '');
  return { id, checkpoint: { base, head, attempt, changed: true } };
}

/** What is left of a task. */
async function leftOf(id: TaskId) {
  const workspaces = await room.listWorkspaces();
  const refs = existsSync(target.origin) ? await git(target.origin, 'for-each-ref', `refs/tasks/${id}`) : 'unseen';
  return {
    workspace: workspaces.some(({ taskId }) => taskId === id),
    refs: refs !== '',
    scratch: existsSync(scratch(id)),
  };
}

const ALL = { workspace: true, refs: true, scratch: true };
const WEEK_MS = 7 * 24 * 60 * 60_000;
const PORTS = { base: 21_000, each: 2, ranges: 8 };
const NOTHING = { workspace: false, refs: false, scratch: false };

const ports = () => openPortLeases(home, PORTS);
const owner = (id: TaskId): string => portOwners.task(target.project, id);
const scratch = (id: TaskId): string => join(home, 'scratch', target.project, id);

const open = (id: TaskId): Promise<void> => openWorkflow(client, id);

/** Completes a task's workflow with a view in this state. */
const close = (id: TaskId, state: EndKind, more: Partial<TaskView> = {}): Promise<void> =>
  closeWorkflow(namespace, id, { ...target, id, state, ...more });

async function closed(state: EndKind): Promise<TaskId> {
  const id = await task();
  await open(id);
  await close(id, state);
  return id;
}

function janitor(keptMs = WEEK_MS, git = room, more: Partial<JanitorOptions> = {}): Janitor {
  return new Janitor({
    client,
    git,
    home,
    ports: openPortLeases(home, PORTS),
    keptMs,
    log: (message, { reason }) => log.push(`${message}: ${String(reason)}`),
    ...more,
  });
}

const gone = (id: TaskId): Promise<boolean> =>
  eventually(`all of ${id} to be removed`, async () => Object.values(await leftOf(id)).every((there) => !there));

/** A look that comes last to a task that has landed, behind so many that cannot be asked. */
async function lookBehind(count: number, isOver: (landed: TaskId) => Promise<boolean>): Promise<TaskId> {
  const landed = await closed('landed');
  const unasked = Array.from({ length: count }, () => taskIdFromBytes(randomBytes(16)));
  for (const id of unasked) {
    await open(id);
    await client.workflow.getHandle(workflowIds.task(id)).terminate();
  }
  const listed = [...unasked, landed].map((taskId) => ({ project: target.project, taskId }));
  const looking = janitor(WEEK_MS, { ...room, listWorkspaces: () => Promise.resolve(listed) });
  looking.start();
  await eventually('a look to be over', () => isOver(landed));
  await looking.stop();
  return landed;
}

describe('a look at the workspaces of this host', () => {
  it('removes what tasks that landed or changed nothing have left', async () => {
    const landed = await closed('landed');
    const unchanged = await closed('unchanged');
    const looking = janitor();
    looking.start();
    await gone(landed);
    await gone(unchanged);
    await looking.stop();
    expect(log).toEqual([]);
  });

  it('is stopped by no workspace that cannot be removed whole', async () => {
    const ids = [await closed('landed'), await closed('landed')];
    // As after a container, whose files are another account's: it is aside, and still somewhere.
    const removeWorkspace: GitRoom['removeWorkspace'] = async (...workspace) => {
      await room.removeWorkspace(...workspace);
      throw new Error('EACCES');
    };
    const looking = janitor(WEEK_MS, { ...room, removeWorkspace });
    looking.start();
    await eventually('a removal to fail', () => log.length > 0);
    // What it has begun it ends.
    await looking.stop();
    for (const id of ids) expect(await leftOf(id)).toEqual(NOTHING);
    expect(log).toEqual(ids.map(() => 'clean-up failed; the next look tries again: Error: EACCES'));
  });

  it('removes nothing of a task that runs, is unknown, or ended without landing', async () => {
    const running = await task();
    await open(running);
    const unknown = await task();
    const others = [await closed('failed'), await closed('rejected'), await closed('canceled')];
    const landed = await closed('landed');
    const looking = janitor();
    looking.start();
    // The look is over once it has removed something: all tasks are judged before any is cleaned up.
    await gone(landed);
    await looking.stop();
    for (const id of [running, unknown, ...others]) expect(await leftOf(id)).toEqual(ALL);
    expect(log).toEqual([]);
  });

  it('asks but once for each that runs, and by lists from then on', async () => {
    const running = [await task(), await task()];
    for (const id of running) await open(id);
    const asked: string[] = [];
    const counting = new Client({
      connection: namespace.connection,
      namespace: namespace.namespace,
      interceptors: {
        workflow: [
          {
            describe: (input, next) => {
              asked.push(input.workflowExecution.workflowId ?? '');
              return next(input);
            },
          },
        ],
      },
    });
    const ids = running.map(workflowIds.task);
    const query = `WorkflowId IN (${ids.map((id) => `'${id}'`).join(', ')})`;
    await eventually('them to be listed', async () => (await client.workflow.count(query)).count === running.length);
    const looking = janitor(WEEK_MS, room, { client: counting, everyMs: 20 });
    looking.start();
    await eventually('the first look', () => asked.length === running.length);
    // Two looks more, at least: what comes between them is found by the second.
    for (let looks = 0; looks < 2; looks += 1) await gone(await closed('landed'));
    await looking.stop();
    expect(asked.filter((id) => ids.includes(id)).toSorted()).toEqual(ids.toSorted());
  });

  it('removes nothing of a task whose next run goes on', async () => {
    const again = await closed('failed');
    await open(again);
    const landed = await closed('landed');
    const looking = janitor();
    looking.start();
    await gone(landed);
    await looking.stop();
    expect(await leftOf(again)).toEqual(ALL);
  });

  it('goes on behind a task that was terminated and cannot be asked what it was', async () => {
    const unasked = await task();
    await open(unasked);
    await client.workflow.getHandle(workflowIds.task(unasked)).terminate();
    const landed = await closed('landed');
    const inOrder = (await room.listWorkspaces()).toSorted((one) => (one.taskId === unasked ? -1 : 1));
    await ports().lease(owner(taskIdFromBytes(randomBytes(16))));
    const looking = janitor(WEEK_MS, { ...room, listWorkspaces: () => Promise.resolve(inOrder) });
    looking.start();
    await gone(landed);
    await eventually('the stale lease to go', async () => (await ports().list()).length === 0);
    await looking.stop();
    expect(await leftOf(unasked)).toEqual(ALL);
    expect(log).toHaveLength(1);
  });

  it('goes on behind ten tasks that cannot be looked at', async () => {
    const landed = await lookBehind(10, gone);
    expect(await leftOf(landed)).toEqual(NOTHING);
    expect(log).toHaveLength(10);
  });

  it('ends when more than ten cannot be looked at, and removes nothing', async () => {
    const landed = await lookBehind(12, async () => log.length > 10);
    expect(await leftOf(landed)).toEqual(ALL);
    expect(log).toHaveLength(11);
  });

  it('ends with its worker: what nobody answers is not waited for, and nothing more is asked or removed', async () => {
    const silent = [await task(), await task()];
    for (const id of silent) {
      await open(id);
      await answerTask(namespace, id);
      await client.workflow.getHandle(workflowIds.task(id)).terminate();
    }
    const landed = await closed('landed');
    const asked: string[] = [];
    const asking = new Client({
      connection: namespace.connection,
      namespace: namespace.namespace,
      interceptors: {
        workflow: [
          {
            query: (input, next) => {
              asked.push(input.workflowExecution.workflowId ?? '');
              return next(input);
            },
          },
        ],
      },
    });
    const listed = [...silent, landed].map((taskId) => ({ project: target.project, taskId }));
    const listWorkspaces = () => Promise.resolve(listed);
    const looking = janitor(WEEK_MS, { ...room, listWorkspaces }, { client: asking });
    looking.start();
    await eventually('the first to be asked', () => asked.length > 0);
    const begunMs = performance.now();
    await looking.stop();
    expect(performance.now() - begunMs).toBeLessThan(5_000);
    expect(asked).toHaveLength(1);
    expect(await leftOf(landed)).toEqual(ALL);
  });

  it('removes nothing while Temporal does not answer', async () => {
    const landed = await closed('landed');
    const { address } = namespace;
    const elsewhere = await testNamespace();
    await elsewhere.connection.close();
    const looking = new Janitor({
      client: new Client({ connection: elsewhere.connection, namespace: elsewhere.namespace }),
      git: room,
      home,
      ports: openPortLeases(home, PORTS),
      keptMs: WEEK_MS,
      log: (message) => log.push(message),
    });
    looking.start();
    await eventually(`the log to tell that ${address} is gone`, () => log.length > 0);
    await looking.stop();
    expect(log).toEqual(['clean-up failed; the next look tries again']);
    expect(await leftOf(landed)).toEqual(ALL);
  });
});

describe('a task whose end is on record', () => {
  it('is cleaned up once its workflow has closed, not before', async () => {
    const id = await task();
    await open(id);
    const told = janitor();
    told.onEnded(id);
    expect(await leftOf(id)).toEqual(ALL);
    await close(id, 'landed');
    await gone(id);
    await told.stop();
    expect(log).toEqual([]);
  });

  it('keeps everything when the worker stops before the workflow closes', async () => {
    const id = await task();
    await open(id);
    const told = janitor();
    told.onEnded(id);
    await told.stop();
    await close(id, 'landed');
    // Told later of one that is over: by then the first would have removed its own.
    const over = await closed('landed');
    const next = janitor();
    next.onEnded(over);
    await gone(over);
    await next.stop();
    expect(await leftOf(id)).toEqual(ALL);
  });

  it('keeps everything when it was terminated, and is begun anew before anything goes', async () => {
    const [over, again] = [await task(), await task()];
    const told = janitor();
    for (const id of [over, again]) {
      await open(id);
      // Who has never polled is not waited for by a query.
      await answerTask(namespace, id);
      await client.workflow.getHandle(workflowIds.task(id)).terminate();
      told.onEnded(id);
      const view = { ...target, id, state: 'running' };
      // It has been judged by then.
      await answerQuery(namespace, id, { view }, () => (id === again ? open(id) : Promise.resolve()));
    }
    await gone(over);
    await told.stop();
    expect(await leftOf(again)).toEqual(ALL);
    expect(log).toEqual([]);
  });

  it('keeps everything when its workflow is unknown to Temporal', async () => {
    const unknown = await task();
    const landed = await closed('landed');
    const told = janitor();
    told.onEnded(unknown);
    told.onEnded(landed);
    await gone(landed);
    await told.stop();
    expect(await leftOf(unknown)).toEqual(ALL);
  });

  it('keeps its workspace while the origin cannot be reached, and is cleaned up by a later look', async () => {
    const id = await closed('landed');
    await rename(target.origin, `${target.origin}.away`);
    const told = janitor();
    told.onEnded(id);
    await eventually('the log to tell of it', () => log.length > 0);
    expect(await leftOf(id)).toMatchObject({ workspace: true, scratch: true });
    await rename(`${target.origin}.away`, target.origin);
    expect(await leftOf(id)).toEqual(ALL);
    told.start();
    await gone(id);
    await told.stop();
    expect(await leftOf(id)).toEqual(NOTHING);
  });
});

describe('what a task left that ended without landing', () => {
  const HOUR_MS = 60 * 60_000;
  const longAgo = new Date(Date.now() - 2 * HOUR_MS).toISOString();

  async function failedTask(more: Partial<TaskView> = {}): Promise<TaskId> {
    const { id, checkpoint } = await taskWithWork();
    await open(id);
    await close(id, 'failed', { endedAt: longAgo, checkpoint, agent: 'claude', ...more });
    return id;
  }

  it('goes from this host after its time, with its ports, and stays on the origin', async () => {
    const id = await failedTask();
    await ports().lease(owner(id));
    await noteHibernated(home, { project: target.project, task: id, since: longAgo, why: 'count' });
    const looking = janitor(HOUR_MS);
    looking.start();
    await eventually('the workspace to go', async () => !(await leftOf(id)).scratch);
    await looking.stop();
    expect(await leftOf(id)).toEqual({ workspace: false, refs: true, scratch: false });
    expect(await ports().list()).toEqual([]);
    expect(await readHibernated(home)).toEqual([]);
  });

  it('stays before its time, while its work is not stored, while it is used, and once it goes on', async () => {
    const young = await failedTask({ endedAt: new Date().toISOString() });
    const unstored = await failedTask();
    const request = { ...target, taskId: unstored, attempt: 2, start: { kind: 'main' } as const };
    expect(await room.prepareWorkspace(request)).toMatchObject({ kind: 'ready' });
    const used = await failedTask();
    const release = await room.useWorkspace(used);
    const retried = await failedTask();
    await open(retried);
    const landed = await closed('landed');
    const looking = janitor(HOUR_MS);
    looking.start();
    await gone(landed);
    await looking.stop();
    for (const id of [young, unstored, used, retried]) expect(await leftOf(id)).toEqual(ALL);
    await release();
  });

  it('leaves no lease of ports behind, and no other lease is touched', async () => {
    const there = await task();
    await open(there);
    await ports().lease(owner(there));
    const lost = taskIdFromBytes(randomBytes(16));
    await ports().lease(owner(lost));
    await ports().lease(portOwners.gate('demo-0a1b', '1'));
    await ports().lease('somebody else');
    const looking = janitor();
    looking.start();
    await eventually('the leases to go', async () => (await ports().list()).length === 2);
    await looking.stop();
    expect((await ports().list()).map((lease) => lease.owner)).toEqual([owner(there), 'somebody else']);
  });
});
