/** What commands say of a task in line whose queue has stopped, before the queue has told it. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

const PAUSED = 'paused by Ada; to go on: tasks queue resume --project sample';

describe('a task in line of a queue that is paused', () => {
  let engine: Engine;
  let tasks: (...argv: readonly string[]) => Promise<CliRun>;
  let first: TaskId;
  let last: TaskId;

  beforeAll(async () => {
    engine = await Engine.start({ gates: 1, agents: 4 });
    const go = join(engine.home, 'go');
    const project = await SampleProject.create({
      'tasks.yaml': projectFile(),
      'gate.sh': `while [ ! -e '${go}' ]; do sleep 0.02; done\n`,
      'agent.sh': ':',
    });
    const place = { cwd: project.clone, env: cliEnvironment(engine.home, engine.servers) };
    tasks = (...argv) => cli(place, argv);
    const ids: TaskId[] = [];
    for (const name of ['one', 'two', 'three', 'four']) {
      const id = await engine.submit(project, { title: name, work: { kind: 'shell', run: `echo x > ${name}` } });
      await engine.until(id, 'landing', ({ state }) => state === 'landing');
      ids.push(id);
    }
    const states = async (): Promise<string> => (await engine.queue('sample')).rows.map(({ state }) => state).join(' ');
    await eventually('two to be gated', async () => (await states()) === 'gating gating queued queued');
    [first, last] = [ids[0], ids[3]] as [TaskId, TaskId];
  });

  afterAll(async () => {
    await writeFile(join(engine.home, 'go'), '');
    await engine.stop();
  });

  const listed = async (): Promise<TaskView | undefined> =>
    (await tasks('list', '--json')).json<TaskView>().find(({ id }) => id === last);
  const shown = async (): Promise<TaskView | undefined> => (await tasks('show', last, '--json')).json<TaskView>()[0];

  it('is said to wait for nothing while its queue lands', async () => {
    expect(await shown()).toMatchObject({ state: 'landing', waitingFor: null });
    expect(await listed()).toMatchObject({ state: 'landing', waitingFor: null });
  });

  it('is said at once to wait for the pause to be over, though it does not know of that yet', async () => {
    expect((await tasks('queue', 'pause')).code).toBe(0);
    expect(await shown()).toMatchObject({ waitingFor: { kind: 'gate', text: PAUSED } });
    expect((await tasks('show', last)).stdout).toContain(PAUSED);
    await engine.untilWaiting(first, 'gate');
    await eventually('the lists to have the first one', async () => (await engine.ledger.readTask(first))?.waitingFor);
    expect(await listed()).toMatchObject({ waitingFor: { kind: 'gate', text: PAUSED } });
    expect((await tasks('list')).stdout.match(/landing \(gate\)/g)).toHaveLength(4);
    expect((await engine.detail(last)).view.waitingFor).toBeNull();
  });

  it('is shown as it is known where no worker answers for its queue', async () => {
    await engine.drainWorker();
    expect(await shown()).toMatchObject({ state: 'landing', waitingFor: null });
    expect(await tasks('list')).toMatchObject({ code: 0, stderr: expect.not.stringContaining('queue') });
    expect(await listed()).toMatchObject({ state: 'landing', waitingFor: null });
    await engine.startWorker();
  });

  it('is said to wait for nothing when landing goes on', async () => {
    expect((await tasks('queue', 'resume')).code).toBe(0);
    expect(await shown()).toMatchObject({ waitingFor: null });
    await writeFile(join(engine.home, 'go'), '');
    expect(await engine.untilEnded(last)).toMatchObject({ state: 'landed' });
  });
});
