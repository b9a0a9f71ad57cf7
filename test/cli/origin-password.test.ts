/** A remote whose URL has a password in it: what is submitted with it would show it to everybody. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

describe("a password in a remote's URL", () => {
  let engine: Engine;
  let place: CliPlace;

  beforeAll(async () => {
    engine = await Engine.start();
    const project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' });
    await project.git('fetch', '--quiet', 'origin');
    await project.git('remote', 'set-url', 'origin', 'http://ada:guess@127.0.0.1:1/shop');
    place = { cwd: project.clone, env: cliEnvironment(engine.home, engine.servers) };
  });

  afterAll(async () => {
    await engine.stop();
  });

  const fix = 'git remote set-url origin http://ada@127.0.0.1:1/shop, and let a credential helper have it';

  it('keeps a project from beginning, and is not repeated', async () => {
    const { code, stdout, stderr } = await cli(place, ['submit', 'First', '--run', 'true']);
    expect(stderr).toMatch(/^tasks: origin: the URL of this remote has a password in it, .*\n$/);
    expect(stderr).toContain(fix);
    expect(stderr).not.toContain('guess');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect((await cli(place, ['wait', '--all'])).stderr).toContain('no task is open');
  });

  it('is told by doctor, with the same fix', async () => {
    const { stdout } = await cli(place, ['doctor', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { name: string }[] };
    expect(checks.find(({ name }) => name === 'password')).toMatchObject({
      verdict: 'fail',
      fix: expect.stringContaining(fix),
    });
    expect(stdout).not.toContain('guess');
  });
});
