import { describe, expect, it } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { landingByPush } from '../../src/activities/landing-adapter.ts';
import { buildCandidate, land } from '../../src/activities/landing.ts';
import type { Recorder } from '../../src/activities/recorder.ts';
import { workflowIds } from '../../src/core/ids.ts';
import type { BuildResult, QueueItem, Target } from '../../src/core/queue-types.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { bareOrigin, built, commitFiles, git, head, newRoom, readGate, taskId, worked } from '../support/git-rig.ts';
import { testNamespace } from '../support/temporal.ts';

type Deps = Parameters<typeof buildCandidate>[0];

const told: string[] = [];
const recorder: Pick<Recorder, 'attempt'> = { attempt: async (_what, call) => ({ kind: 'done', value: await call() }) };

function unused(): never {
  throw new Error('is not asked');
}

function depsWith(room: GitRoom, client: Client): Deps {
  return {
    git: room,
    landing: landingByPush(room),
    client,
    readGate,
    gates: 1,
    labels: [],
    ledger: {
      isGreen: () => Promise.resolve(false),
      record: unused,
      beginAttempt: unused,
      bindProject: unused,
      readEvents: unused,
      readTask: unused,
    },
    onRequired: () => undefined,
    onEnded: (_target, id) => told.push(id),
  };
}

async function build(deps: Deps, target: Target, item: QueueItem): Promise<BuildResult> {
  const answer = await buildCandidate(deps, recorder, {
    target,
    item,
    parent: null,
    known: null,
    gate: false,
    below: [],
  });
  return answer.result;
}

describe('landing', () => {
  it('waits, with the reason, while Temporal does not say whether the task is open: nothing lands, nothing is lost', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const client = new Client({ connection: Connection.lazy({ address: '127.0.0.1:1' }) });
    await client.connection.close();
    const deps = depsWith(room, client);
    const held = { kind: 'held', why: 'engine', text: expect.stringContaining(`whether task ${taskId} is open`) };
    expect(await build(deps, target, item)).toMatchObject(held);
    expect(await land(deps, { target, item, candidate })).toMatchObject(held);
    expect(await head(origin, 'refs/heads/main')).toBe(first);
    expect(told).toEqual([]);
  });

  it('builds no candidate of a task that is gone, pushes none that was built, and finds what had landed', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const { connection, namespace, drop } = await testNamespace();
    const deps = depsWith(room, new Client({ connection, namespace }));
    expect(await build(deps, target, item)).toEqual({ kind: 'ended' });
    expect(told).toEqual([taskId]);
    expect(await land(deps, { target, item, candidate })).toEqual({ kind: 'moved' });
    expect(await head(origin, 'refs/heads/main')).toBe(first);

    const { client } = deps;
    await client.workflow.start('task', { workflowId: workflowIds.task(taskId), taskQueue: 'nobody' });
    expect(await build(deps, target, item)).toMatchObject({
      kind: 'candidate',
      knownGreen: false,
    });
    expect(await land(deps, { target, item, candidate })).toMatchObject({ kind: 'landed' });
    await client.workflow.getHandle(workflowIds.task(taskId)).terminate();
    expect(await build(deps, target, item)).toMatchObject({ kind: 'landed' });
    expect(await land(deps, { target, item, candidate })).toEqual({ kind: 'moved' });
    expect(await git(origin, 'rev-list', '--count', '--first-parent', 'main')).toBe('2');
    await drop();
  });

  it('builds and pushes nothing that a task has handed off before it was begun anew', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const { connection, namespace, drop } = await testNamespace();
    const client = new Client({ connection, namespace });
    const deps = depsWith(room, client);
    const begin = () => client.workflow.start('task', { workflowId: workflowIds.task(taskId), taskQueue: 'nobody' });
    const begun = await begin();
    const work = await worked(room, target, { 'b.txt': 'b\n' });
    const item = { ...work, firstRun: begun.firstExecutionRunId };
    const candidate = await built(room, target, item);
    expect(await build(deps, target, item)).toMatchObject({ kind: 'candidate' });
    await begun.terminate();
    const again = await begin();
    const before = told.length;
    expect(await build(deps, target, item)).toEqual({ kind: 'ended' });
    expect(await land(deps, { target, item, candidate })).toEqual({ kind: 'moved' });
    expect(
      await land(deps, {
        target,
        item: { ...item, firstRun: again.firstExecutionRunId },
        candidate,
        under: [{ item, candidate }],
      }),
    ).toEqual({ kind: 'moved' });
    expect(await head(origin, 'refs/heads/main')).toBe(first);
    // It is at work again: nothing of it is swept.
    expect(told).toHaveLength(before);
    // An older version does not say which run it was.
    expect(await build(deps, target, work)).toMatchObject({ kind: 'candidate' });
    await drop();
  });

  it('sends nothing back to a task that was ended from outside: a turn would be for nobody', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'a.txt': 'ours\n' });
    await commitFiles(person, { 'a.txt': 'theirs\n' }, 'second');
    await git(person, 'push', '-q', 'origin', 'main');
    const { connection, namespace, drop } = await testNamespace();
    const client = new Client({ connection, namespace });
    const deps = depsWith(room, client);
    const options = { workflowId: workflowIds.task(taskId), taskQueue: 'nobody' };
    const task = await client.workflow.start('task', options);
    expect(await build(deps, target, item)).toMatchObject({ kind: 'conflict' });
    await task.terminate();
    expect(await build(deps, target, item)).toEqual({ kind: 'ended' });
    await drop();
  });
});
