/** `tasks hosts`, and what a drained host does, with a real worker. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostView } from '../../src/core/hosts.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

describe('hosts', () => {
  let engine: Engine;
  let project: SampleProject;
  let env: Record<string, string>;

  beforeAll(async () => {
    engine = await Engine.start({ presenceMs: 50, agents: 2, graceMs: 100 });
    project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' });
    env = cliEnvironment(engine.home, engine.servers);
  });

  afterAll(async () => {
    await engine.stop();
  });

  const tasks = (...argv: string[]): Promise<CliRun> => cli({ cwd: engine.home, env }, argv);
  const hosts = async (): Promise<readonly HostView[]> => (await tasks('hosts', '--json')).json<HostView>();
  const host = async (): Promise<HostView> => {
    const [first] = await hosts();
    if (first === undefined) throw new Error('there is no host');
    return first;
  };
  // A worker whose first report the ledger did not take in time starts all the same, and reports again.
  const untilHost = (what: string, is: (host: HostView) => boolean): Promise<unknown> =>
    eventually(`the host to be ${what}`, async () => (await hosts()).some(is));

  it('are shown with what their workers report', async () => {
    await untilHost('up', ({ state }) => state === 'up');
    expect(await host()).toMatchObject({
      state: 'up',
      workers: 1,
      versions: ['0.0.0'],
      labels: ['test'],
      agents: { used: 0, total: 2 },
      gates: { used: 0, total: 1 },
      drained: null,
    });
    const { stdout, code } = await tasks('hosts');
    expect(stdout).toMatch(/^host-\w+ +up +0\/2 +0\/1 .* 0\.0\.0 +test$/m);
    expect(code).toBe(0);
  });

  it('that are drained end what runs, take nothing new, and take it all once they are drained no more', async () => {
    const go = join(engine.home, 'go');
    const run = `while [ ! -e '${go}' ]; do sleep 0.05; done; echo x > "$TASKS_TASK_ID"`;
    const id = await engine.submit(project, { title: 'Runs', attempts: 1, work: { kind: 'shell', run } });
    await engine.started(id, 'sample');
    await untilHost('busy', ({ agents }) => agents.used === 1);
    const { id: name } = await host();
    expect(await tasks('list')).toMatchObject({ code: 0, stderr: '' });

    expect(await tasks('hosts', 'drain', name.slice(0, 8), '--json')).toMatchObject({ code: 0 });
    await untilHost('drained', ({ state }) => state === 'drained');
    expect((await host()).drained).toMatchObject({ host: name, by: 'Ada' });
    expect(await tasks('hosts', 'drain', name)).toMatchObject({ code: 0, stdout: `${name}  was drained already\n` });
    await eventually('its processes to be gone', async () => (await engine.processesOf(id)).length === 0);
    const second = await engine.submit(project, { title: 'Waits', attempts: 1, work: { kind: 'shell', run } });
    await writeFile(go, '');
    await engine.until(id, 'waiting for a host', ({ state, attempt }) => state === 'running' && attempt === 2);
    await eventually('the second to be on record', async () => (await engine.ledger.readTask(second)) !== null);
    expect((await engine.ledger.readTask(second))?.state).toBe('queued');
    const nobody = `tasks: there are only drained hosts: ${name}; tasks hosts undrain ${name}\n`;
    expect(await tasks('list')).toMatchObject({ code: 0, stderr: nobody });

    expect((await tasks('hosts', 'undrain', name)).stdout).toMatch(/takes phases and gate runs again/);
    for (const each of [id, second]) expect(await engine.untilEnded(each)).toMatchObject({ state: 'landed' });
    await untilHost('up', ({ state, drained }) => state === 'up' && drained === null);
    const failures = (await engine.ledger.readAttempts(id)).map(({ failure }) => failure);
    expect(failures).toMatchObject([{ kind: 'worker-drained' }, null]);
  });

  it('that were drained while no worker ran take nothing when one does', async () => {
    await engine.drainWorker();
    const { id: name } = await host();
    expect(await host()).toMatchObject({ state: 'stopped', workers: 0 });
    await tasks('hosts', 'drain', name);
    await engine.startWorker(engine.home, name);
    const id = await engine.submit(project, { title: 'Waits too', work: { kind: 'shell', run: 'echo x > waited' } });
    await eventually('it to be on record', async () => (await engine.ledger.readTask(id)) !== null);
    expect(await host()).toMatchObject({ state: 'drained', workers: 1 });
    expect(engine.log.join('\n')).toContain('this host is drained');
    expect((await engine.ledger.readTask(id))?.state).toBe('queued');
    await tasks('hosts', 'undrain', name);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
  });

  it('whose workers run without versioning have the workflows already, and no build to choose', async () => {
    expect(await tasks('builds', 'use', 'none')).toMatchObject({
      code: 0,
      stdout: 'workers without versioning  had them already\n',
    });
    expect(await tasks('builds', 'use', 'b')).toMatchObject({
      code: 2,
      stderr:
        'tasks: "b" is no build that has run; no worker runs with versioning; switch it on with TASKS_VERSIONING=on\n',
    });
    const unset = await tasks('builds', 'use', '');
    expect(unset).toMatchObject({ code: 2, stdout: '' });
    expect(unset.stderr).toContain('tasks: "" is no build that has run; ');
  });

  it('that nobody knows are refused, and so are labels that are none', async () => {
    expect(await tasks('hosts', 'drain', 'nowhere')).toMatchObject({
      code: 2,
      stderr: 'tasks: no host begins with "nowhere"; tasks hosts shows them\n',
    });
    const run = await tasks('worker', '--labels', 'GPU');
    expect(run.stderr).toMatch(/^tasks: --labels: "GPU" is no label/);
    expect(run.code).toBe(2);
  });
});
