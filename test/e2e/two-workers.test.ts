import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hostsOf, type HostView } from '../../src/core/hosts.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { WorkerProcess } from '../support/worker-process.ts';

/** Two workers with one slot each, and one state home. */
describe('two workers of one host', () => {
  let engine: Engine;
  let project: SampleProject;
  let workers: readonly WorkerProcess[] = [];

  beforeAll(async () => {
    engine = await Engine.start();
    await engine.drainWorker();
    project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE });
    const args = ['--agents', '1', '--gates', '1'];
    workers = await Promise.all([WorkerProcess.start(engine, args), WorkerProcess.start(engine, args)]);
  });

  afterAll(async () => {
    for (const worker of workers) if (worker.alive) expect(await worker.stop()).toBe(0);
    await engine.stop();
  });

  const at = (name: string): string => join(engine.home, name);
  const submit = (name: string): Promise<TaskId> => {
    const run = `echo > '${at(`runs-${name}`)}'; while [ ! -e '${at(`go-${name}`)}' ]; do sleep 0.05; done; echo x > ${name}`;
    return engine.submit(project, { title: name, attempts: 1, work: { kind: 'shell', run } });
  };
  const host = async (): Promise<HostView> => {
    const [only, ...others] = hostsOf(await engine.ledger.readWorkers(), []).filter(({ workers: all }) => all > 0);
    expect(others).toEqual([]);
    if (only === undefined) throw new Error('there is no host');
    return only;
  };

  it('have each its own slots, the host’s id and one mirror; one that is killed takes nothing of the other along', async () => {
    const names = ['one', 'two'];
    const ids = await Promise.all(names.map(submit));
    await eventually('both to run', () => names.every((name) => existsSync(at(`runs-${name}`))));
    const third = await submit('three');
    await eventually('the host to say so', async () => (await host()).agents.used === 2);
    expect(await host()).toMatchObject({ workers: 2, agents: { used: 2, total: 2 }, gates: { used: 0, total: 2 } });
    expect((await readdir(at('mirrors'))).filter((name) => name.endsWith('.git'))).toHaveLength(1);
    // One task each, so none has taken the other's slot; the third waits.
    const running = await Promise.all(workers.map(agentsOf));
    for (const text of running) expect(names.filter((name) => text.includes(`runs-${name}`))).toHaveLength(1);
    expect(existsSync(at('runs-three'))).toBe(false);

    const [killed, other] = workers;
    const killedIndex = names.findIndex((name) => running[0]?.includes(`runs-${name}`));
    const [lost, kept] = [ids[killedIndex], ids[1 - killedIndex]];
    if (killed === undefined || other === undefined || lost === undefined || kept === undefined) throw new Error('two');
    const [first] = await engine.processesOf(kept);
    await killed.kill();
    await eventually('its agent to be gone', async () => (await engine.processesOf(lost)).length === 0);
    expect(await engine.processesOf(kept)).toContain(first);
    for (const name of [...names, 'three']) await writeFile(at(`go-${name}`), '');
    expect(await engine.untilEnded(kept)).toMatchObject({ state: 'landed', attempt: 1 });
    // Missed after a heartbeat's time-out; it had one try, and spends none.
    expect(await engine.untilEnded(lost)).toMatchObject({ state: 'landed', attempt: 2, failure: null });
    expect(await engine.untilEnded(third)).toMatchObject({ state: 'landed', attempt: 1 });
    expect(other.alive).toBe(true);
  });
});

async function agentsOf(worker: WorkerProcess): Promise<string> {
  return (await worker.children()).join('\n');
}
