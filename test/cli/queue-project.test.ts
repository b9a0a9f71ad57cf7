/** Which queue is meant where there are several. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

async function placeOf(name: string, env: CliPlace['env']): Promise<CliPlace> {
  const file = projectFile().replace('sample', name);
  const project = await SampleProject.create({ 'tasks.yaml': file, 'gate.sh': GATE }, 'bare');
  await project.git('fetch', '--quiet', 'origin');
  const place = { cwd: project.clone, env };
  expect((await cli(place, ['submit', 'First', '--run', 'echo x > first', '--wait'])).code).toBe(0);
  return place;
}

describe('the queue that is meant where there are several', () => {
  let engine: Engine;
  let one: CliPlace;
  let other: CliPlace;

  beforeAll(async () => {
    engine = await Engine.start();
    const env = cliEnvironment(engine.home, {
      TEMPORAL_ADDRESS: engine.namespace.address,
      TEMPORAL_NAMESPACE: engine.namespace.namespace,
      DATABASE_URL: engine.database.url,
    });
    [one, other] = await Promise.all([placeOf('one', env), placeOf('other', env)]);
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('is the one of the repository that one stands in, and of no other', async () => {
    expect(await cli(other, ['queue', 'pause'])).toMatchObject({
      code: 0,
      stdout: 'other main  lands nothing until: tasks queue resume --project other\n',
    });
    expect((await cli(one, ['queue'])).stdout).toMatch(
      /^one main {2}1 landed.*\n {2}nothing waits\nother main.*\n {2}stopped: paused by Ada; to go on: tasks queue resume --project other\n/,
    );
    expect(await cli(one, ['queue', 'resume'])).toMatchObject({ code: 1, stderr: 'tasks: the queue is not paused\n' });
    expect(await cli(other, ['queue', 'resume'])).toMatchObject({ code: 0, stdout: 'other main  lands again\n' });
  });

  it('is the one that is named, wherever one stands, and asked for outside of all', async () => {
    expect((await cli(one, ['queue', 'pause', '--project', 'other'])).stdout).toMatch(/^other main {2}lands nothing/);
    expect(await cli({ ...one, cwd: engine.home }, ['queue', 'resume'])).toMatchObject({
      code: 2,
      stderr: 'tasks: --project: there are several queues (one, other); name one\n',
    });
    expect((await cli({ ...one, cwd: engine.home }, ['queue', 'resume', '--project', 'other'])).code).toBe(0);
  });
});
