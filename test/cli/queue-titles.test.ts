/** A line that is longer than what the queue's own workflow knows all of. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { QueueView } from '../../src/core/queue-types.ts';
import type { TaskView } from '../../src/core/task-types.ts';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

const IN_LINE = 20;

describe('a long line', () => {
  let engine: Engine;
  let tasks: (argv: readonly string[], stdin?: string) => Promise<CliRun>;

  beforeAll(async () => {
    engine = await Engine.start();
    const project = await SampleProject.create(
      { 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' },
      'bare',
    );
    await project.git('fetch', '--quiet', 'origin');
    const place = { cwd: project.clone, env: cliEnvironment(engine.home, engine.servers) };
    tasks = (argv, stdin) => cli(place, argv, stdin === undefined ? {} : { stdin });
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('has the title of each, also of those that the queue knows by their ids alone', async () => {
    expect((await tasks(['submit', 'First', '--run', 'echo x > first', '--wait'])).code).toBe(0);
    expect((await tasks(['queue', 'pause'])).code).toBe(0);
    const titles = Array.from({ length: IN_LINE }, (_, at) => `Task ${at}`);
    const lines = titles.map((title, at) => JSON.stringify({ title, run: `echo x > ${at}` }));
    const made = await tasks(['submit', '--from', '-', '--json'], lines.join('\n'));
    for (const { id } of made.json<TaskView>()) {
      await engine.until(id, 'in line', ({ state, waitingFor }) => state === 'landing' && waitingFor?.kind === 'gate');
    }
    const [view] = (await tasks(['queue', '--json'])).json<QueueView>();
    expect(view?.rows.map(({ title }) => title).toSorted()).toEqual(titles.toSorted());
  });
});
