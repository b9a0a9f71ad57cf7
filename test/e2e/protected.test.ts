/** A branch that nobody may push to: the queue pauses with the reason and the fix, and goes on when it is told. */

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chmod, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { landingByPush } from '../../src/activities/landing-adapter.ts';
import type { TaskId } from '../../src/core/ids.ts';
import { controlUpdate } from '../../src/workflows/messages.ts';
import { Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { write } from '../support/git-rig.ts';
import { RefusingLanding } from '../support/refusing-landing.ts';
import { SampleProject } from '../support/sample-project.ts';
import { agentScript, projectFile } from '../support/scripted-agent.ts';

const PROTECTED = `#!/bin/sh
while read -r old new ref; do
  [ "$ref" = refs/heads/main ] || continue
  echo 'error: GH006: Protected branch update failed for refs/heads/main.' >&2
  exit 1
done
`;

function projectOf(name: string): Promise<SampleProject> {
  const files = { 'gate.sh': 'true\n', 'agent.sh': agentScript({}) };
  return SampleProject.create({ 'tasks.yaml': projectFile().replace('sample', name), ...files });
}

describe('a protected branch', () => {
  let engine: Engine;
  const fake = new RefusingLanding();

  beforeAll(async () => {
    engine = await Engine.start({ gates: 2, landing: (git) => fake.over(landingByPush(git)) });
  });

  afterAll(async () => {
    await engine.stop();
  });

  const submit = (project: SampleProject, title: string): Promise<TaskId> =>
    engine.submit(project, { title, work: { kind: 'shell', run: `echo x > ${title}` } });
  const stopped = (name: string): Promise<string> =>
    eventually('the pause', async () => (await engine.queue(name)).stopped);
  const resume = (name: string) =>
    engine.client.workflow
      .getHandle(`integration/${name}/main`)
      .executeUpdate(controlUpdate, { args: [{ action: 'resume', actor: 'Ada' }] });

  it('pauses the queue with the words of the server and the fix, and resume goes on', async () => {
    const project = await projectOf('guarded');
    await write(project.origin, { 'hooks/pre-receive': PROTECTED });
    await chmod(join(project.origin, 'hooks/pre-receive'), 0o755);
    const one = await submit(project, 'task1');
    const text = await stopped('guarded');
    expect(text).toContain('lets nobody push to main');
    expect(text).toContain('GH006: Protected branch update failed');
    expect(text).toContain('then: tasks queue resume');
    // Its task waits, with the reason, and nobody failed; so does one that comes now.
    expect((await engine.untilWaiting(one, 'gate')).waitingFor?.text).toContain('GH006');
    const two = await submit(project, 'task2');
    expect((await engine.untilWaiting(two, 'gate')).waitingFor?.text).toContain('GH006');
    expect(await project.subjects()).toEqual(['Begin']);
    // Told to go on too early, it stops again.
    await resume('guarded');
    await stopped('guarded');
    await rm(join(project.origin, 'hooks/pre-receive'));
    await resume('guarded');
    for (const id of [one, two]) expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(await project.subjects()).toEqual(['task2', 'task1', 'Begin']);
  });

  it('is the same for any other way of landing: nothing is tried while the queue is paused', async () => {
    const project = await projectOf('driven');
    fake.refusal = 'a pull request to main was closed by Ada';
    const id = await submit(project, 'task1');
    expect(await stopped('driven')).toBe('a pull request to main was closed by Ada');
    expect((await engine.untilWaiting(id, 'gate')).waitingFor?.text).toContain('closed by Ada');
    expect(fake.refused).toHaveLength(1);
    fake.refusal = null;
    await resume('driven');
    expect(await engine.untilEnded(id)).toMatchObject({ state: 'landed' });
    expect(fake.refused).toEqual([await project.tip()]);
  });
});
