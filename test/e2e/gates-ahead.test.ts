import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isScheduled, progressOf } from '../../src/cli/pending-phase.ts';
import { WAITS_FOR_SLOT } from '../../src/core/gate-run.ts';
import type { TaskId } from '../../src/core/ids.ts';
import type { TaskSpec } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { projectFile } from '../support/scripted-agent.ts';
import { WorkerProcess } from '../support/worker-process.ts';

/** A new worker is counted within a quarter of a minute. */
const SEEN_MS = 40_000;

/** One gate slot, and an engine that alone has any. */
describe('a gate run that is taken ahead', () => {
  let engine: Engine;
  let project: SampleProject;

  beforeAll(async () => {
    engine = await Engine.start({ gates: 1 });
    // Each tree's run says that it has begun by the newest file that is in it.
    const gate = `for name in one two; do [ ! -e $name ] || : > '${engine.home}/began-'$name; done
while [ ! -e '${engine.home}/go' ]; do sleep 0.02; done\n`;
    project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': gate });
    await writeFile(at('go'), '');
    // From then on it is known that nobody else has slots.
    expect(await engine.untilEnded(await submit('first'))).toMatchObject({ state: 'landed' });
    await rm(at('go'));
  });

  afterAll(async () => {
    await writeFile(at('go'), '');
    await engine.stop();
  });

  const at = (name: string): string => join(engine.home, name);
  const submit = (name: string): Promise<TaskId> =>
    engine.submit(project, { title: name, work: { kind: 'shell', run: `echo x > ${name}` } });

  /** What the heartbeats of the runs say that a worker has taken. */
  const taken = async (): Promise<readonly string[]> => {
    const texts: string[] = [];
    const runs = engine.client.workflow.list({ query: "WorkflowType = 'gate' AND ExecutionStatus = 'Running'" });
    for await (const { workflowId } of runs) {
      const { raw } = await engine.client.workflow.getHandle(workflowId).describe();
      for (const pending of raw.pendingActivities ?? []) {
        if (isScheduled(pending)) continue;
        const said = await progressOf(pending, engine.client.options.loadedDataConverter);
        texts.push(said?.text ?? '');
      }
    }
    return texts.toSorted();
  };

  it('waits with its worktree, and begins elsewhere as soon as there is another worker with a slot', async () => {
    const one = await submit('one');
    await eventually('the first to be gated', () => existsSync(at('began-one')));
    const two = await submit('two');
    await eventually('the second to be ready', async () => (await taken()).join() === `,${WAITS_FOR_SLOT.text}`);
    expect(existsSync(at('began-two'))).toBe(false);
    const other = await WorkerProcess.start(engine, ['--agents', '0', '--gates', '1']);
    try {
      await eventually('the second to be gated', () => existsSync(at('began-two')), SEEN_MS);
      expect(await taken()).toEqual(['', '']);
      await writeFile(at('go'), '');
      for (const id of [one, two]) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    } finally {
      expect(await other.stop()).toBe(0);
    }
  });
});

/** One gate slot, and four projects that want it. */
describe('gate runs of several projects', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ gates: 1 });
  });

  afterAll(async () => {
    await writeFile(join(engine.home, 'go'), '');
    await engine.stop();
  });

  it('begin in the order in which they were asked for, but a hotfix’s before those that wait for a slot', async () => {
    const order = join(engine.home, 'order');
    const submit = async (name: string, priority: TaskSpec['priority'] = 'normal'): Promise<TaskId> => {
      const gate = `echo ${name} >> '${order}'; while [ ! -e '${engine.home}/go' ]; do sleep 0.02; done\n`;
      const text = projectFile().replace('sample', name);
      const project = await SampleProject.create({ 'tasks.yaml': text, 'gate.sh': gate });
      const run = { kind: 'shell', run: 'echo x > x' } as const;
      return engine.submit(project, { title: name, work: run, spec: { priority } });
    };
    const inLine = (name: string): Promise<unknown> =>
      eventually(`${name} to be asked for`, async () => (await engine.queue(name)).rows[0]?.state === 'gating');
    const ids: TaskId[] = [];
    for (const [name, priority] of [['a'], ['b'], ['c'], ['d', 'hotfix']] as const) {
      ids.push(await submit(name, priority));
      await inLine(name);
    }
    expect(await readFile(order, 'utf8')).toBe('a\n');
    await writeFile(join(engine.home, 'go'), '');
    for (const id of ids) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    const [first, ...others] = (await readFile(order, 'utf8')).trim().split('\n');
    expect(first).toBe('a');
    // The second one may have been taken ahead already.
    expect(others.filter((name) => name !== 'b')).toEqual(['d', 'c']);
  });
});
