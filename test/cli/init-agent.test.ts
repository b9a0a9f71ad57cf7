/** `tasks init`, and whether the agent that it writes down can run here. */

import { beforeEach, describe, expect, it } from '@jest/globals';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';

describe('an agent that tasks init writes down', () => {
  let place: CliPlace;
  let bin: string;

  beforeEach(async () => {
    const project = await SampleProject.create({ 'package.json': '{"scripts":{"test":"true"}}' }, 'checkout');
    const folder = await tempFolder('home');
    bin = join(folder, 'bin');
    await mkdir(bin);
    const env = cliEnvironment(folder);
    // Git and the shell, and no agent that this machine may have.
    place = { cwd: project.clone, env: { ...env, PATH: `${bin}:/usr/bin:/bin` } };
  });

  it('and that is not on this machine is warned of, with what to do, and written all the same', async () => {
    const { code, stdout, stderr } = await cli(place, ['init', '--agent', 'no-such-agent --fast', '--yes']);
    expect(stderr).toBe(
      "tasks: the agent's program, no-such-agent, is not on this machine; install no-such-agent where workers run, or name its path in host.yaml: programs: {no-such-agent: /path}; or choose another agent in tasks.yaml; tasks with --run need none\n",
    );
    expect(stdout).toMatch(/^wrote /);
    expect(code).toBe(0);
    expect(await readFile(join(place.cwd, 'tasks.yaml'), 'utf8')).toContain('no-such-agent');
  });

  it('and that is there is not spoken of', async () => {
    await writeFile(join(bin, 'claude'), '#!/bin/sh\n');
    await chmod(join(bin, 'claude'), 0o755);
    const run = await cli(place, ['init', '--json']);
    expect(run.stderr).toBe('');
    expect(run.json()).toMatchObject([{ agent: 'claude', agentMissing: null }]);
  });

  it('is looked for where host.yaml says', async () => {
    await mkdir(join(place.env['TASKS_HOME'] ?? ''), { recursive: true });
    await writeFile(join(place.env['TASKS_HOME'] ?? '', 'host.yaml'), 'programs:\n  claude: /nowhere/claude\n');
    const run = await cli(place, ['init', '--json']);
    expect(run.stderr).toMatch(/^tasks: the agent's program, \/nowhere\/claude, is not on this machine; /);
    expect(run.json()).toMatchObject([{ agentMissing: expect.stringContaining('/nowhere/claude') }]);
    expect(run.code).toBe(0);
  });
});
