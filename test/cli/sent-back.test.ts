/** A shell task that landing sent back, and that then has nothing to change any more. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

describe('a task that was sent back for a conflict and then changes nothing', () => {
  let engine: Engine;
  let project: SampleProject;
  let tasks: (...argv: string[]) => Promise<CliRun>;

  beforeAll(async () => {
    engine = await Engine.start();
    const files = { 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':', words: 'one\n' };
    project = await SampleProject.create(files, 'bare');
    await project.git('fetch', '--quiet', 'origin');
    const place = { cwd: project.clone, env: cliEnvironment(engine.home, engine.servers) };
    tasks = (...argv) => cli(place, argv);
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('says in wait, list and show that nothing of it landed', async () => {
    const nothing = await tasks('submit', 'Nothing to do', '--run', 'true', '--wait');
    expect(nothing.stdout).not.toContain('nothing of it landed');
    expect((await tasks('submit', 'First', '--run', 'echo x > first', '--wait')).code).toBe(0);
    expect((await tasks('queue', 'pause')).code).toBe(0);
    const run = 'grep -q two words || sed -i s/one/three/ words';
    const [made] = (await tasks('submit', 'Three', '--run', run, '--json')).json<TaskView>();
    if (made === undefined) throw new Error('nothing was submitted');
    await engine.until(made.id, 'in line', ({ state }) => state === 'landing');
    await project.commit('A person was quicker', { words: 'two\n' });
    const tip = await project.tip();
    expect((await tasks('queue', 'resume')).code).toBe(0);
    const waited = await tasks('wait', made.id);
    const line = `${made.id}  unchanged  Three  nothing of it landed: it was sent back, and then changed nothing; see tasks show ${made.id}\n`;
    expect(waited).toMatchObject({ code: 0, stdout: line });
    expect((await tasks('list', '--all')).stdout).toMatch(
      new RegExp(`^${made.id} {2}unchanged \\(sent back\\) .* Three$`, 'm'),
    );
    const shown = (await tasks('show', made.id)).stdout;
    expect(shown).toMatch(
      /^Nothing of it landed: landing sent it back \(conflict: .*\), and its next run changed nothing\.$/m,
    );
    expect((await tasks('list', '--all')).stdout).toMatch(/ {2}unchanged +sample .* Nothing to do$/m);
    expect(await project.tip()).toBe(tip);
  });
});
