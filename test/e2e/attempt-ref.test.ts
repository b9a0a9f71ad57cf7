/** The ref of an attempt on the origin, by which a later attempt fences it out (N2). */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, GATE, projectFile } from '../support/scripted-agent.ts';

describe('an attempt', () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.start();
  });

  afterAll(async () => {
    await engine.stop();
  });

  it('has its ref on the origin while its set-up still runs, and none once its work has landed', async () => {
    const ready = join(engine.home, 'ready');
    const project = await SampleProject.create({
      'tasks.yaml': `${projectFile().replace('sample', 'set-up')}setup: "while [ ! -e '${ready}' ]; do sleep 0.02; done"\n`,
      'gate.sh': GATE,
      'agent.sh': agentScript({ execute: 'echo x > work' }),
    });
    const id = await engine.submit(project, { title: 'Work' });
    const refs = (): Promise<string> =>
      project.originGit('for-each-ref', '--format=%(refname) %(objectname)', 'refs/tasks');
    expect(await eventually('a ref', async () => (await refs()) || null)).toBe(
      `refs/tasks/${id}/1/work ${await project.tip()}`,
    );
    await writeFile(ready, '');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed', attempt: 3 });
    await eventually('no ref', async () => (await refs()) === '');
  });
});
