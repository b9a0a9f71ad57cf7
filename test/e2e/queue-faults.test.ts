import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import type { RunningTemporal } from '../../src/local/temporal-server.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';
import { impatientServer } from '../support/impatient-server.ts';
import { WorkerProcess } from '../support/worker-process.ts';

const SLOTS = 3;
const TASKS = 6;

describe('a chain of candidates', () => {
  const shared = process.env['TEST_TEMPORAL_ADDRESS'] ?? '';
  let server: RunningTemporal;
  let engine: Engine;

  beforeAll(async () => {
    server = await impatientServer();
    process.env['TEST_TEMPORAL_ADDRESS'] = server.address;
    engine = await Engine.start({ gates: SLOTS, agents: 6 });
  });

  afterAll(async () => {
    await engine.stop();
    process.env['TEST_TEMPORAL_ADDRESS'] = shared;
    await server.stop();
  });

  /** Tasks in line behind a gate that goes on once `<home>/<name>/go` is there; the second one is red. */
  const inLine = async (name: string): Promise<{ project: SampleProject; folder: string; ids: readonly TaskId[] }> => {
    const folder = join(engine.home, name);
    await mkdir(folder, { recursive: true });
    const project = await SampleProject.create({
      'tasks.yaml': `${projectFile().replace('sample', name)}revisions: 1\n`,
      'gate.sh': `while [ ! -e '${folder}/go' ]; do sleep 0.02; done\ntest ! -e task2 || test -e mended\n`,
      'agent.sh': agentScript({}),
    });
    const ids: TaskId[] = [];
    for (let number = 1; number <= TASKS; number += 1) {
      const again = `[ ! -e '${folder}/again${number}' ] || echo x > mended; touch '${folder}/again${number}'`;
      const run = `echo x > task${number}; ${number === 2 ? again : 'true'}`;
      const id = await engine.submit(project, { title: `task${number}`, work: { kind: 'shell', run } });
      await engine.until(id, 'handed off', ({ state }) => state === 'landing');
      ids.push(id);
    }
    await eventually(
      'so many to be gated',
      async () => (await engine.queue(name)).rows.filter(({ state }) => state === 'gating').length >= SLOTS,
    );
    return { project, folder, ids };
  };

  const landAll = async ({ project, folder, ids }: Awaited<ReturnType<typeof inLine>>): Promise<void> => {
    await writeFile(join(folder, 'go'), '');
    // Not asked meanwhile: a task that a worker takes up for a query may hear then what is part of its next step.
    await Promise.all(ids.map((id) => engine.handle(id).result()));
    const views = await Promise.all(ids.map((id) => engine.untilEnded(id)));
    expect(views.map(({ state, revisions }) => `${state} ${revisions}`)).toEqual(
      ids.map((_, at) => `landed ${at === 1 ? 1 : 0}`),
    );
    const subjects = await project.subjects();
    expect(subjects.toSorted()).toEqual(['Begin', ...ids.map((_, at) => `task${at + 1}`)]);
    // All but the one that was sent back kept their order.
    expect(subjects.filter((subject) => subject !== 'task2').toReversed()).toEqual([
      'Begin',
      ...[1, 3, 4, 5, 6].map((number) => `task${number}`),
    ]);
  };

  it('is handed on from run to run of its workflow, with those in line, and loses and repeats nothing', async () => {
    const line = await inLine('handed-on');
    await landAll(line);
    let continued = 0;
    for await (const { status } of engine.client.workflow.list({
      query: `WorkflowId = 'integration/handed-on/main'`,
    })) {
      if (status.name === 'CONTINUED_AS_NEW') continued += 1;
    }
    expect(continued).toBeGreaterThanOrEqual(2);
  });

  it('goes on where it was when the worker is killed in the middle of its gate runs', async () => {
    await engine.drainWorker();
    const doomed = await WorkerProcess.start(engine, ['--gates', String(SLOTS), '--agents', '4']);
    const line = await inLine('killed');
    await eventually('gates to run', async () => (await doomed.children()).length >= SLOTS);
    await doomed.kill();
    const next = await WorkerProcess.start(engine, ['--gates', String(SLOTS), '--agents', '4']);
    await landAll(line);
    await next.stop();
  });
});
