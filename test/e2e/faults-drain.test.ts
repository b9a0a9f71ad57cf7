import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';
import { WorkerProcess } from '../support/worker-process.ts';

/** Three tasks with one try each are in a phase when their worker is stopped, and its agents are signaled with it. */
describe('a worker that a service manager stops together with its agents', () => {
  let engine: Engine;
  let project: SampleProject;
  let second: WorkerProcess | null = null;
  let firstCode: number | null = null;
  const ids: Partial<Record<'shell' | 'agent' | 'polite', TaskId>> = {};

  beforeAll(async () => {
    engine = await Engine.start();
    // The engine's own worker makes room for those that can be stopped.
    await engine.drainWorker();
    const at = (name: string): string => join(engine.home, name);
    const waits = (name: string): string =>
      `echo begun >> '${at(name)}'; while [ ! -e '${at('go')}' ]; do sleep 0.05; done; echo x > ${name}`;
    project = await SampleProject.create({
      'tasks.yaml': projectFile(),
      'gate.sh': GATE,
      'agent.sh': agentScript({ execute: waits('agent') }),
    });
    const first = await WorkerProcess.start(engine, ['--agents', '4']);
    const shell = (name: string, run: string): Promise<TaskId> =>
      engine.submit(project, { title: name, attempts: 1, work: { kind: 'shell', run } });
    ids.agent = await engine.submit(project, { title: 'agent', attempts: 1 });
    ids.shell = await shell('shell', waits('shell'));
    // As agents do that tidy up: it is asked to end, and exits with a code of its own.
    ids.polite = await shell('polite', `trap 'exit 1' TERM; ${waits('polite')}`);
    await eventually('all three to run', () => Object.keys(ids).every((name) => existsSync(at(name))));
    const killed = (await Promise.all([ids.agent, ids.shell].map((id) => engine.processesOf(id)))).flat();
    const asked = await shells(await engine.processesOf(ids.polite));
    expect(killed.length).toBeGreaterThanOrEqual(2);
    expect(asked).toHaveLength(1);
    for (const pid of [...killed, ...asked]) signal(pid);
    firstCode = await first.stop();
    await writeFile(at('go'), '');
    second = await WorkerProcess.start(engine, ['--agents', '4']);
  });

  afterAll(async () => {
    const code = await second?.stop();
    await engine.stop();
    expect(code).toBe(0);
  });

  it('ends with 0', async () => {
    expect(firstCode).toBe(0);
  });

  it.each(['agent', 'shell', 'polite'] as const)('spends no try of the task %s, which lands later', async (name) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`no task ${name}`);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', failure: null });
    expect(await project.read(name)).toBe('x');
    expect(await readFile(join(engine.home, name), 'utf8')).toBe('begun\nbegun\n');
    const events = await eventually('its end to be recorded', async () => {
      const recorded = await engine.ledger.readEvents(id);
      return recorded.some(({ happened }) => happened.kind === 'ended') ? recorded : null;
    });
    const failures = events.flatMap(({ happened }) =>
      happened.kind === 'attempt-ended' && happened.failure !== null ? [happened.failure.kind] : [],
    );
    expect(failures).toEqual(['worker-drained']);
  });
});

/** Those of the processes that are shells, not what contains them or what they run. */
async function shells(pids: readonly number[]): Promise<number[]> {
  const names = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => names[index] === 'sh\n');
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    // It ended with the one before. (The error is of another realm than this file's Error.)
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
