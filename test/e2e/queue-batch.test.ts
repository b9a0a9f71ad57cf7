import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../src/core/ids.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';

describe('a project that lands in batches, on a real server', () => {
  let engine: Engine;
  let project: SampleProject;
  let folder: string;

  beforeAll(async () => {
    engine = await Engine.start({ gates: 1, agents: 6 });
    folder = join(engine.home, 'batches');
    await mkdir(folder, { recursive: true });
    project = await SampleProject.create({
      'tasks.yaml': `${projectFile().replace('sample', 'batches')}\nbatch: true\n`,
      'gate.sh': `F='${folder}'
ls | grep '^task' | tr '\\n' ' ' >> "$F/runs"; echo >> "$F/runs"
while [ ! -e "$F/go" ]; do sleep 0.02; done
test ! -e task-red || test -e mended
`,
      'agent.sh': agentScript({}),
    });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const handOff = async (name: string, run = `echo x > ${name}`): Promise<TaskId> => {
    const id = await engine.submit(project, { title: name, work: { kind: 'shell', run } });
    await engine.until(id, 'landing', ({ state }) => state === 'landing' || state === 'landed');
    return id;
  };
  const runs = async (): Promise<number> => (await readFile(join(folder, 'runs'), 'utf8')).split('\n').length - 1;
  const states = async (): Promise<string> => (await engine.queue('batches')).rows.map(({ state }) => state).join(' ');

  it('gates what has come meanwhile in one run, lands it in one push, and says on each commit which run covers it', async () => {
    await writeFile(join(folder, 'go'), '');
    // Until something is known of a project, each is gated alone.
    for (const name of ['task1', 'task2', 'task3', 'task4']) await engine.untilEnded(await handOff(name));
    const before = await runs();
    await rm(join(folder, 'go'));
    const ids = [await handOff('task5')];
    await eventually('it to be gated', async () => (await runs()) === before + 1);
    for (const name of ['task6', 'task7', 'task8']) ids.push(await handOff(name));
    await eventually('the others to be built', async () => (await states()) === 'gating gating gating gating');
    await writeFile(join(folder, 'go'), '');
    for (const id of ids) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    expect(await runs()).toBe(before + 2);
    const format = '--format=%s %T %(trailers:key=Gate-Covered-By,valueonly,separator=)';
    const log = (await project.originGit('log', '--first-parent', '--max-count=4', format, 'main')).split('\n');
    const tree = await project.originGit('rev-parse', 'main^{tree}');
    expect(log.map((line) => line.split(' ')[0])).toEqual(['task8', 'task7', 'task6', 'task5']);
    expect(log.map((line) => line.split(' ')[2] ?? null)).toEqual([tree, tree, tree, null]);
    expect(new Set(log.map((line) => line.split(' ')[1])).size).toBe(4);
  });

  it('finds the red one in a batch by halves, sends it alone back, and lands the others', async () => {
    await rm(join(folder, 'go'));
    const before = await runs();
    const first = await handOff('task-a');
    await eventually('it to be gated', async () => (await runs()) === before + 1);
    const second = await handOff('task-b');
    const red = await handOff(
      'task-red',
      `[ ! -e '${folder}/twice' ] || echo x > mended; touch '${folder}/twice'; echo x > task-red`,
    );
    const last = await handOff('task-c');
    await eventually('the others to be built', async () => (await states()) === 'gating gating gating gating');
    await writeFile(join(folder, 'go'), '');
    for (const id of [first, second, last]) {
      expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', revisions: 0 });
    }
    expect(await engine.untilEnded(red)).toMatchObject({ state: 'landed', revisions: 1 });
    expect((await project.subjects()).slice(0, 4).toSorted()).toEqual(['task-a', 'task-b', 'task-c', 'task-red']);
  });
});
