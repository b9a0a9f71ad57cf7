/** A repository that has moved: its project's name is bound to the URL that it had. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

describe('a repository that has moved', () => {
  let engine: Engine;
  let project: SampleProject;
  let place: CliPlace;
  let moved: string;

  beforeAll(async () => {
    engine = await Engine.start();
    project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' }, 'bare');
    await project.git('fetch', '--quiet', 'origin');
    place = { cwd: project.clone, env: cliEnvironment(engine.home, engine.servers) };
    expect((await cli(place, ['submit', 'First', '--run', 'echo x > x', '--wait'])).code).toBe(0);
    // The same place in other words, as a clone by a URL has it.
    await project.git('remote', 'set-url', 'origin', `file://${project.origin}`);
    const again = await cli(place, ['submit', 'By a URL', '--run', 'echo y > y', '--wait']);
    expect(again).toMatchObject({ code: 0, stderr: '' });
    moved = project.origin.replace(/\/origin\.git$/, '/moved.git');
    await rename(project.origin, moved);
    await project.git('remote', 'set-url', 'origin', moved);
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('is refused by submit, and failed by doctor, with both places and the way on', async () => {
    const what = `sample is the name of ${project.origin}, and the origin here is ${moved}`;
    const tell = `git config --global url.${moved}.insteadOf ${project.origin}`;
    const submitted = await cli(place, ['submit', 'Second', '--run', 'true']);
    expect(submitted).toMatchObject({ code: 2, stdout: '' });
    expect(submitted.stderr).toMatch(/^tasks: project: .*\n$/);
    for (const part of [what, tell, `git remote set-url origin ${project.origin}`])
      expect(submitted.stderr).toContain(part);
    const [report] = (await cli(place, ['doctor', '--json'])).json<{ checks: { name: string }[] }>();
    expect(report?.checks.find(({ name }) => name === 'project')).toMatchObject({
      verdict: 'fail',
      found: what,
      fix: expect.stringContaining(tell),
    });
  });

  it('is reached by that way, under the name that it had', async () => {
    await project.git('remote', 'set-url', 'origin', project.origin);
    const verdicts = async (): Promise<ReadonlyMap<string, string>> => {
      const [report] = (await cli(place, ['doctor', '--json'])).json<{ checks: { name: string; verdict: string }[] }>();
      return new Map(report?.checks.map(({ name, verdict }) => [name, verdict]));
    };
    const before = await verdicts();
    expect([before.get('project'), before.get('origin')]).toEqual([undefined, 'fail']);
    const settings = join(place.env['HOME'] ?? '', '.gitconfig');
    await writeFile(settings, `[url "${moved}"]\n\tinsteadOf = ${project.origin}\n`);
    const after = await verdicts();
    expect([after.get('project'), after.get('origin'), after.get('push')]).toEqual([undefined, 'ok', 'ok']);
  });
});
