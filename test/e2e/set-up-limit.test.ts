/** A set-up that writes more than `limits: disk` allows, in the real engine. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';

const MIB = 1024 * 1024;
const file = (setup: string): string => `${projectFile()}setup: ${setup}\n`;

describe('a set-up that writes more than a process tree may', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await Engine.start({ limits: { maxWrittenBytes: 40 * MIB } });
  });
  afterAll(async () => {
    await engine.stop();
  });

  it('is ended, has its workspace removed and not left on the disk, and runs again from nothing once it is mended', async () => {
    const project = await SampleProject.create({
      'tasks.yaml': file(`head -c ${80 * MIB} /dev/zero > made; while [ -e made ]; do sleep 0.1; done`),
      'gate.sh': GATE,
      '.gitignore': 'made\n',
    });
    const run = 'cat made > work';
    const id = await engine.submit(project, { title: 'Work', work: { kind: 'shell', run }, attempts: 1 });
    const { failure } = await engine.untilWaiting(id, 'attempts');
    expect(existsSync(join(engine.home, 'workspaces', 'sample', id, 'worktree', 'made'))).toBe(false);
    expect(failure).toMatchObject({
      kind: 'too-much-written',
      message: expect.stringMatching(/^set-up .* was ended: it had more than the 40 MiB of the disk that are allowed/),
      next: expect.stringContaining(join(engine.home, 'scratch', 'sample', 'setup')),
    });
    await project.commit('Make less', { 'tasks.yaml': file('echo little >> made') });
    await engine.retry(id);
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', failure: null });
    expect(await project.read('work')).toBe('little');
  });
});
