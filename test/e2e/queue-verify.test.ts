import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';

describe('a project that has each task verified, on a real server', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start({ gates: 2, agents: 6 });
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('gates each on main alone, lands the green one without another run, and sends the red one back before others stand on it', async () => {
    const folder = join(engine.home, 'verified');
    await mkdir(folder, { recursive: true });
    const project = await SampleProject.create({
      'tasks.yaml': `${projectFile().replace('sample', 'verified')}\nverify: true\n`,
      'gate.sh': `F='${folder}'
ls | grep '^task[0-9-]' | tr '\\n' ' ' >> "$F/runs"; echo >> "$F/runs"
test ! -e task-red || while [ ! -e "$F/go" ]; do sleep 0.02; done
test ! -e task-red || test -e mended
`,
      'agent.sh': agentScript({}),
    });
    const begin = await engine.submit(project, { title: 'task0', work: { kind: 'shell', run: 'echo x > task0' } });
    await engine.untilEnded(begin);
    const red = await engine.submit(project, {
      title: 'task-red',
      work: {
        kind: 'shell',
        run: `[ ! -e '${folder}/twice' ] || echo x > mended; touch '${folder}/twice'; echo x > task-red`,
      },
    });
    const rows = async () => (await engine.queue('verified')).rows;
    await eventually(
      'it to be verified',
      async () => (await rows())[0]?.tree !== undefined && (await rows())[0]?.tree !== null,
    );
    expect(await rows()).toMatchObject([{ id: red, state: 'verifying', base: await project.tip(), verdict: null }]);
    const green = await engine.submit(project, { title: 'task1', work: { kind: 'shell', run: 'echo x > task1' } });
    expect(await engine.untilEnded(green)).toMatchObject({ state: 'landed', revisions: 0 });
    const runs = (await readFile(join(folder, 'runs'), 'utf8')).trim().split('\n');
    expect(runs.map((line) => line.trim())).toEqual(['task0', 'task-red task0', 'task0 task1']);
    await writeFile(join(folder, 'go'), '');
    expect(await engine.untilEnded(red)).toMatchObject({ state: 'landed', revisions: 1 });
    expect(await project.subjects()).toEqual(['task-red', 'task1', 'task0', 'Begin']);
  });
});
