/** Which workspaces a host gives up for room, and which it never does. Tasks are closed workflows here, which rest. */

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { taskIdFromBytes, type TaskId } from '../../src/core/ids.ts';
import { portOwners } from '../../src/core/ports.ts';
import type { Target } from '../../src/core/queue-types.ts';
import type { WorkspaceCaps } from '../../src/core/relief.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { readHibernated } from '../../src/local/hibernated.ts';
import { openPortLeases } from '../../src/local/port-leases.ts';
import { Relief } from '../../src/worker/relief.ts';
import { SmallDisk } from '../faults/small-disk.ts';
import { answerTask, closeWorkflow, openWorkflow } from '../support/closed-workflow.ts';
import { eventually } from '../support/eventually.ts';
import { bareOrigin, git, newRoom, worked } from '../support/git-rig.ts';
import { testNamespace, type TestNamespace } from '../support/temporal.ts';

const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;
const KIB = 1_024;
const NO_CAPS: WorkspaceCaps = { count: Infinity, bytes: Infinity };
const PORTS = { base: 21_600, each: 2, ranges: 8 };
let namespace: TestNamespace;
let client: Client;
let target: Target;
let room: GitRoom;
let home: string;
let log: string[];
let reliefs: Relief[];

beforeAll(async () => {
  namespace = await testNamespace();
  client = new Client({ connection: namespace.connection, namespace: namespace.namespace });
});

beforeEach(async () => {
  ({ target } = await bareOrigin());
  ({ room, home } = await newRoom());
  log = [];
  reliefs = [];
});

afterEach(async () => {
  for (const relief of reliefs) await relief.stop();
});

afterAll(() => namespace.drop());

/** A failed task whose workspace has a file of so many KiB, and was used so many minutes ago. */
async function failed(kib: number, minutesAgo: number, change: Partial<TaskView> = {}): Promise<TaskId> {
  const id = taskIdFromBytes(randomBytes(16));
  const { base, head, attempt } = await worked(room, target, { [id]: 'x'.repeat(kib * KIB) }, id);
  await openWorkflow(client, id);
  const checkpoint = { base, head, attempt, changed: true };
  await closeWorkflow(namespace, id, { ...target, id, state: 'failed', agent: 'claude', checkpoint, ...change });
  await rested(id, minutesAgo);
  return id;
}

async function rested(id: TaskId, minutesAgo: number): Promise<void> {
  const at = new Date(Date.now() - minutesAgo * 60_000);
  await utimes(join(home, 'workspaces', target.project, id, 'state.json'), at, at);
}

function reliefOf(caps: WorkspaceCaps, isShort = () => false, git = room): Relief {
  const relief = new Relief({
    client,
    git,
    home,
    ports: openPortLeases(home, PORTS),
    caps,
    isShort,
    log: (message) => log.push(message),
  });
  reliefs.push(relief);
  return relief;
}

const there = async (): Promise<readonly TaskId[]> => (await room.listWorkspaces()).map(({ taskId }) => taskId);
const after = async (relief: Relief) => {
  relief.look();
  return eventually('a look', () => relief.report());
};

describe('a host that has more than it may', () => {
  it('gives up the workspace that rested longest, with its ports, and says so', async () => {
    const old = await failed(1, 20);
    const young = await failed(1, 10);
    await openPortLeases(home, PORTS).lease(portOwners.task(target.project, old));
    const report = await after(reliefOf({ ...NO_CAPS, count: 1 }));
    expect(await there()).toEqual([young]);
    expect(report).toMatchObject({ count: 1, bytes: null, hibernated: 1, latest: [{ task: old, why: 'count' }] });
    expect(await openPortLeases(home, PORTS).list()).toEqual([]);
    expect(await git(target.origin, 'for-each-ref', `refs/tasks/${old}`)).not.toBe('');
    expect(log).toEqual(['more workspaces than host.yaml allows: a workspace that rests is removed']);
  });

  it('goes by what they take of the disk, and no further than it must', async () => {
    const large = await failed(2_048, 30);
    const small = await failed(64, 20);
    const other = await failed(64, 10);
    const report = await after(reliefOf({ ...NO_CAPS, bytes: 1_500 * KIB }));
    expect((await there()).toSorted()).toEqual([small, other].toSorted());
    expect(report).toMatchObject({ count: 2, hibernated: 1, latest: [{ task: large, why: 'bytes' }] });
    expect(report.bytes).toBeLessThan(1_500 * KIB);
    expect(report.bytes).toBeGreaterThan(128 * KIB);
  });

  it('asks once for each that goes, and not for one in use', async () => {
    const ids = [await failed(1, 30), await failed(1, 20)];
    const used = await failed(1, 10);
    const release = await room.useWorkspace(used);
    const asked: TaskId[] = [];
    const storedCheckpoint: GitRoom['storedCheckpoint'] = (project, id) => {
      asked.push(id);
      return room.storedCheckpoint(project, id);
    };
    await after(reliefOf(NO_CAPS, () => true, { ...room, storedCheckpoint }));
    expect(await there()).toEqual([used]);
    expect(asked).toEqual(ids);
    await release();
  });

  it('does not hold its worker up by a task that nobody answers for', async () => {
    const silent = taskIdFromBytes(randomBytes(16));
    await worked(room, target, { [silent]: 'x' }, silent);
    await openWorkflow(client, silent);
    await answerTask(namespace, silent);
    let isAsked = false;
    const storedCheckpoint: GitRoom['storedCheckpoint'] = (project, id) => {
      isAsked = true;
      return room.storedCheckpoint(project, id);
    };
    const relief = reliefOf(NO_CAPS, () => true, { ...room, storedCheckpoint });
    relief.look();
    await eventually('it to be asked', () => isAsked);
    const begunMs = performance.now();
    await relief.stop();
    expect(performance.now() - begunMs).toBeLessThan(5_000);
    expect(await there()).toEqual([silent]);
  });

  it('keeps what is in use, what is stored nowhere else, and whose task cannot be asked', async () => {
    const used = await failed(1, 50);
    const release = await room.useWorkspace(used);
    const unstored = await failed(1, 40);
    const request = { ...target, taskId: unstored, attempt: 2, start: { kind: 'main' } as const };
    expect(await room.prepareWorkspace(request)).toMatchObject({ kind: 'ready' });
    const other = await failed(1, 30, { checkpoint: null });
    const unknown = taskIdFromBytes(randomBytes(16));
    await worked(room, target, { [unknown]: 'x' }, unknown);
    const report = await after(reliefOf(NO_CAPS, () => true));
    expect((await there()).toSorted()).toEqual([used, unstored, other, unknown].toSorted());
    expect(report).toMatchObject({ count: 4, hibernated: 0 });
    expect(await readHibernated(home)).toEqual([]);
    await release();
  });

  it('looks again where its disk could not be asked, and whoever tells of a task that waits hears nothing of it', async () => {
    const relief = reliefOf(NO_CAPS, () => {
      throw new Error('the state home is away');
    });
    await failed(1, 10);
    relief.onWaiting();
    await eventually('a look', () => log.includes('no room could be made; the next look tries again'));
    expect(await there()).toHaveLength(1);
  });

  (canMount ? it : it.skip)('makes room also where none is left to note it', async () => {
    await failed(1, 10);
    const disk = await SmallDisk.mount(join(home, 'hibernated'), 1);
    disk.fill();
    try {
      await after(reliefOf(NO_CAPS, () => true));
      expect(await there()).toEqual([]);
      expect(log).toEqual([
        'no note could be made of a workspace that is removed',
        'the disk runs short: a workspace that rests is removed',
      ]);
    } finally {
      await disk.unmount();
    }
  });

  it('takes away nothing while there is room, and forgets a hibernated one that is back', async () => {
    const one = await failed(1, 20);
    await after(reliefOf(NO_CAPS, () => true));
    expect(await there()).toEqual([]);
    const request = { ...target, taskId: one, attempt: 2, start: { kind: 'main' } as const };
    expect(await room.prepareWorkspace(request)).toMatchObject({ kind: 'ready' });
    expect(await after(reliefOf({ count: 1, bytes: 1024 ** 3 }))).toMatchObject({ count: 1, hibernated: 0 });
    expect(await there()).toEqual([one]);
  });
});
