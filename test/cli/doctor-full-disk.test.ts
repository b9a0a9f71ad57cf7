/** `tasks doctor` where the state home's disk is full: a tmpfs of its own, which root alone can mount. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { SmallDisk } from '../faults/small-disk.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment } from './rig.ts';

const canMount = process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'true']).status === 0;

interface Found {
  readonly name: string;
  readonly verdict: string;
  readonly found: string;
  readonly fix?: string;
}

(canMount ? describe : describe.skip)('a full disk', () => {
  let disk: SmallDisk;

  beforeAll(async () => {
    disk = await SmallDisk.mount(join(await tempFolder('full'), 'disk'), 2);
    disk.fill();
  });

  afterAll(async () => {
    await disk.unmount();
  });

  it.each(['.', 'new'])('is a check of doctor that fails, beside all the others (home %s)', async (name) => {
    const project = await SampleProject.create(
      { 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' },
      'bare',
    );
    await project.git('fetch', '--quiet', 'origin');
    const env = cliEnvironment(await tempFolder('home'), { TASKS_HOME: join(disk.folder, name) });
    const run = await cli({ cwd: project.clone, env }, ['doctor', '--json']);
    expect(run.stderr).not.toMatch(/^tasks: /m);
    const [report] = run.json<{ ok: boolean; checks: readonly Found[] }>();
    expect(report?.ok).toBe(false);
    const checks = new Map(report?.checks.map((check) => [check.name, check]));
    const fix = 'make room, or put TASKS_HOME on a larger disk';
    expect(checks.get('disk')).toMatchObject({ verdict: 'fail', fix });
    expect(checks.get('origin')).toMatchObject({ verdict: 'fail', found: expect.stringContaining('has no room'), fix });
    expect(checks.get('git')).toMatchObject({ verdict: 'ok' });
    expect(checks.get('tasks.yaml')).toMatchObject({ verdict: 'ok' });
    expect(run.code).toBe(1);
  });
});
