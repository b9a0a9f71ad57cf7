/** What `tasks doctor` advises of an origin that cannot be reached: what fits git's words. */

import { expect, it } from '@jest/globals';
import { rename } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { checkProject } from '../../src/cli/doctor/project.ts';
import type { Check } from '../../src/cli/render/checks.ts';
import { Session } from '../../src/cli/session.ts';
import { serveOverHttp } from '../support/http-origin.ts';
import { SampleProject } from '../support/sample-project.ts';
import { GATE, projectFile } from '../support/scripted-agent.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

async function sample(): Promise<SampleProject> {
  const project = await SampleProject.create({ 'tasks.yaml': projectFile(), 'gate.sh': GATE, 'agent.sh': ':' });
  await project.git('fetch', '--quiet', 'origin');
  return project;
}

/** What is found of the origin, and of a push to it. */
async function checked(project: SampleProject): Promise<readonly (Check | undefined)[]> {
  const env = cliEnvironment(await tempFolder('home'));
  const checks = await checkProject(new Session(cliIo({ cwd: project.clone, env }), false));
  return ['origin', 'push'].map((name) => checks.find((check) => check.name === name));
}

it('advises to look for a folder that is gone', async () => {
  const project = await sample();
  await rename(project.origin, `${project.origin}.gone`);
  for (const check of await checked(project)) {
    expect(check).toMatchObject({
      verdict: 'fail',
      found: expect.stringContaining('does not appear to be a git repository'),
      fix: expect.stringMatching(/^see that it is there.* git remote set-url origin URL/),
    });
  }
});

it.each([
  ['a server that does not run', 'http://127.0.0.1:1/shop.git'],
  ['a name that does not resolve', 'http://origin.invalid/shop.git'],
])('advises to look after the network and the address, of %s', async (_, url) => {
  const project = await sample();
  await project.git('remote', 'set-url', 'origin', url);
  for (const check of await checked(project)) {
    expect(check).toMatchObject({ verdict: 'fail', fix: expect.stringMatching(/^see that this host has a network/) });
  }
});

it('advises to have the credentials answered, of a server that asks for them', async () => {
  const project = await sample();
  const served = await serveOverHttp(dirname(project.origin), 'ada', 'word');
  try {
    await project.git('remote', 'set-url', 'origin', `http://127.0.0.1:${served.port}/${basename(project.origin)}`);
    for (const check of await checked(project)) {
      expect(check).toMatchObject({ verdict: 'fail', fix: expect.stringContaining('a credential helper') });
    }
  } finally {
    await served.close();
  }
});
