/** What `tasks doctor` says of the repository that it is run in. */

import { describe, expect, it } from '@jest/globals';
import { checkProject } from '../../src/cli/doctor/project.ts';
import { Session } from '../../src/cli/session.ts';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

async function checked(cwd: string) {
  const [first] = await checkProject(new Session(cliIo({ cwd, env: cliEnvironment(await tempFolder('home')) }), false));
  return first;
}

describe('tasks doctor', () => {
  it('fails on a tasks.yaml that keeps everything from being submitted', async () => {
    const project = await SampleProject.create({ 'tasks.yaml': 'project: a\nbranch: main\ngaet: x\n' }, 'checkout');
    expect(await checked(project.clone)).toMatchObject({
      name: 'tasks.yaml',
      verdict: 'fail',
      found: expect.stringContaining('"gaet" is no key here; did you mean gate?'),
    });
  });

  it('warns where there is no tasks.yaml, and outside of any repository', async () => {
    const project = await SampleProject.create({ 'a.txt': 'a\n' }, 'checkout');
    expect(await checked(project.clone)).toMatchObject({
      verdict: 'warn',
      found: 'there is no tasks.yaml here; make one with: tasks init',
      fix: 'do that, or run tasks doctor in the repository that tasks are for',
    });
    expect(await checked(await tempFolder('plain'))).toMatchObject({ verdict: 'warn' });
  });
});
