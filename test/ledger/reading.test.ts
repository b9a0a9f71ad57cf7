import { beforeAll, describe, expect, it } from '@jest/globals';
import type { ProjectName, TaskId } from '../../src/core/ids.ts';
import { TASK_STATES, type TaskStateName, type TaskView, type WaitingKind } from '../../src/core/task-types.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { LIFE, migratedLedger, taskId, view } from './rig.ts';

let ledger: Ledger;
let projects = 0;

beforeAll(async () => {
  ({ ledger } = await migratedLedger());
});

/** A project that no other test uses. */
function newProject(): ProjectName {
  projects += 1;
  return `project-${projects}` as ProjectName;
}

const at = (second: number): string => new Date(Date.UTC(2026, 1, 3, 4, 5, second)).toISOString();

async function list(
  project: ProjectName,
  states: readonly TaskStateName[] = [],
  limit = 100,
): Promise<readonly TaskId[]> {
  return (await ledger.listTasks({ project, states, limit })).map(({ id }) => id);
}

function waiting(id: TaskId, project: ProjectName, kind: WaitingKind, second: number): TaskView {
  return view({
    id,
    project,
    state: 'waiting',
    waitingFor: { kind, text: 'text', since: at(second), version: null, proposal: null, for: null, open: 0 },
  });
}

describe('the projects', () => {
  it('are all that have a task or were bound, each once, in the order of the alphabet', async () => {
    const own = await migratedLedger();
    expect(await own.ledger.listProjects()).toEqual([]);
    const named = ['pear', 'Zoo', 'apple', 'pear', 'fig'] as const;
    for (const [index, name] of named.entries())
      await own.ledger.record(view({ id: taskId(`p${index}`), project: name as ProjectName }), []);
    await own.ledger.bindProject('cherry' as ProjectName, '/srv/git/cherry.git');
    expect(await own.ledger.listProjects()).toEqual(['Zoo', 'apple', 'cherry', 'fig', 'pear']);
  });
});

describe('the state that is shown', () => {
  it('is queued until an attempt has begun, and running from then on', async () => {
    const [id, project] = [taskId('a1'), newProject()];
    await ledger.record(view({ id, project }), LIFE.slice(0, 2));
    expect((await ledger.readTask(id))?.state).toBe('queued');
    expect(await list(project, ['queued'])).toEqual([id]);
    expect(await list(project, ['running'])).toEqual([]);
    expect(await ledger.countByState(project)).toEqual({ queued: 1 });

    await ledger.beginAttempt(id, 1, 'h1', at(1));
    expect((await ledger.readTask(id))?.state).toBe('running');
    expect(await list(project, ['queued'])).toEqual([]);
    expect(await list(project, ['running'])).toEqual([id]);
    expect(await ledger.countByState(project)).toEqual({ running: 1 });
  });

  it('is running when the attempt began before its record came', async () => {
    const id = taskId('a2');
    await ledger.beginAttempt(id, 1, 'h1', at(1));
    expect(await ledger.readTask(id)).toBeNull();
    await ledger.record(view({ id }), LIFE.slice(0, 2));
    expect((await ledger.readTask(id))?.state).toBe('running');
    expect(await ledger.readAttempts(id)).toMatchObject([{ attempt: 1, phase: 'understand', startedAt: at(1) }]);
  });

  it('is failed, and in no inbox, once its workflow was ended from outside, until it is taken up again', async () => {
    const [id, project] = [taskId('b7'), newProject()];
    await ledger.record({ ...waiting(id, project, 'question', 1), sequence: 5 }, LIFE.slice(0, 4));
    await ledger.endFromOutside(id, at(9));
    expect(await ledger.readTask(id)).toMatchObject({
      state: 'failed',
      waitingFor: null,
      endedAt: at(9),
      failure: { message: 'its workflow was ended from outside' },
    });
    expect(await ledger.readInbox(project, 100)).toEqual([]);
    expect(await list(project, ['failed'])).toEqual([id]);
    await ledger.record(view({ id, project, sequence: 6 }), []);
    expect((await ledger.readTask(id))?.endedAt).toBeNull();
    const ended = view({ id, project, sequence: 7, state: 'canceled', endedAt: at(10) });
    await ledger.record(ended, []);
    await ledger.endFromOutside(id, at(11));
    expect(await ledger.readTask(id)).toMatchObject({ state: 'canceled', endedAt: at(10) });
  });

  it('stays running between two attempts', async () => {
    const id = taskId('a3');
    await ledger.beginAttempt(id, 1, 'h1', at(1));
    await ledger.record(view({ id, attempt: 2, sequence: 6 }), LIFE.slice(0, 6));
    expect((await ledger.readTask(id))?.state).toBe('running');
  });

  it('is running after an attempt whose beginning was never recorded', async () => {
    const id = taskId('a4');
    await ledger.record(view({ id, attempt: 2, sequence: 6 }), LIFE.slice(0, 6));
    expect((await ledger.readTask(id))?.state).toBe('running');
  });

  const others = TASK_STATES.filter((state) => state !== 'queued' && state !== 'running');

  it.each(others.map((state, index) => [state, index] as const))(
    'is %s as recorded, whether or not an attempt began',
    async (state, index) => {
      const [begun, never] = [taskId(`b${index}`), taskId(`c${index}`)];
      await ledger.beginAttempt(begun, 1, 'h1', at(1));
      for (const id of [begun, never]) {
        await ledger.record(view({ id, state }), []);
        expect((await ledger.readTask(id))?.state).toBe(state);
      }
    },
  );
});

describe('beginning an attempt', () => {
  it('shows the host that has it now, in whatever order the marks come', async () => {
    const id = taskId('d1');
    await ledger.beginAttempt(id, 1, 'late', at(9));
    await ledger.beginAttempt(id, 1, 'early', at(3));
    await ledger.beginAttempt(id, 1, 'late', at(9));
    expect(await ledger.readAttempts(id)).toEqual([
      {
        attempt: 1,
        phase: '',
        outcome: null,
        host: 'late',
        startedAt: at(9),
        endedAt: null,
        usage: null,
        failure: null,
      },
    ]);
  });

  it('does not undo an end that was recorded before', async () => {
    const id = taskId('d2');
    await ledger.record(view({ id, sequence: 3 }), LIFE.slice(0, 3));
    await ledger.beginAttempt(id, 1, 'h1', at(1));
    expect(await ledger.readAttempts(id)).toMatchObject([{ outcome: 'question', host: 'h1', startedAt: at(1) }]);
  });
});

describe('lists', () => {
  it('has the newest first, up to the limit, of one project or of all', async () => {
    const [project, other] = [newProject(), newProject()];
    const ids = ['e1', 'e2', 'e3'].map(taskId);
    for (const [index, id] of ids.entries()) await ledger.record(view({ id, project, createdAt: at(index) }), []);
    const elsewhere = taskId('e4');
    await ledger.record(view({ id: elsewhere, project: other, createdAt: '2030-01-01T00:00:00.000Z' }), []);
    expect(await list(project)).toEqual(ids.toReversed());
    expect(await list(project, [], 2)).toEqual(ids.toReversed().slice(0, 2));
    const all = await ledger.listTasks({ project: null, states: [], limit: 1 });
    expect(all.map(({ id }) => id)).toEqual([elsewhere]);
  });

  it('has in the inbox what waits for a person, oldest first, and nothing else', async () => {
    const project = newProject();
    const [late, early, origin, retry] = ['f1', 'f2', 'f3', 'f4'].map(taskId) as [TaskId, TaskId, TaskId, TaskId];
    await ledger.record(waiting(late, project, 'question', 20), []);
    await ledger.record(waiting(early, project, 'attempts', 10), []);
    await ledger.record(waiting(origin, project, 'origin', 5), []);
    await ledger.record(waiting(retry, project, 'retry', 1), []);
    expect((await ledger.readInbox(project, 100)).map(({ id }) => id)).toEqual([early, late]);
    expect((await ledger.readInbox(project, 1)).map(({ id }) => id)).toEqual([early]);
    await ledger.record(view({ id: early, project, sequence: 3 }), []);
    expect((await ledger.readInbox(project, 100)).map(({ id }) => id)).toEqual([late]);
    expect((await ledger.readInbox(null, 100)).map(({ id }) => id)).toContain(late);
  });

  it('finds the ids of a prefix, two at the most', async () => {
    for (const id of ['zz0', 'zz1', 'zz2', 'zy']) await ledger.record(view({ id: taskId(id) }), []);
    expect(await ledger.findIds('zz')).toHaveLength(2);
    expect(await ledger.findIds('zz1')).toEqual([taskId('zz1')]);
    expect(await ledger.findIds('zy')).toEqual([taskId('zy')]);
    expect(await ledger.findIds('zx')).toEqual([]);
    expect(await ledger.findIds('z%')).toEqual([]);
  });

  it('reads several tasks in the order that was asked for, leaving out unknown ones', async () => {
    const [one, two] = [taskId('g1'), taskId('g2')];
    for (const id of [one, two]) await ledger.record(view({ id }), []);
    const read = await ledger.readTasks([two, taskId('g9'), one]);
    expect(read.map(({ id }) => id)).toEqual([two, one]);
    expect(await ledger.readTasks([])).toEqual([]);
  });
});
