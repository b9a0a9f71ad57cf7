/** What a command knows of its surroundings. */

import { describe, expect, it } from '@jest/globals';
import { userInfo } from 'node:os';
import { Session } from '../../src/cli/session.ts';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';
import { cliEnvironment, cliIo } from './rig.ts';

async function actor(cwd: string, more: Readonly<Record<string, string>>, known?: string | null): Promise<string> {
  const env = { ...cliEnvironment(await tempFolder('home')), TASKS_ACTOR: '', ...more };
  return new Session(cliIo({ cwd, env }), false).actor(known);
}

describe('who acts', () => {
  it('is TASKS_ACTOR before anybody else', async () => {
    const folder = await tempFolder('plain');
    expect(await actor(folder, { TASKS_ACTOR: 'robot', USER: 'ada' }, 'Grace')).toBe('robot');
  });

  it('is whom git names in this repository, and elsewhere', async () => {
    const project = await SampleProject.create({ 'a.txt': 'a' }, 'checkout');
    await project.git('config', 'user.name', 'Grace Hopper');
    expect(await actor(project.clone, { USER: 'ada' })).toBe('Grace Hopper');
    const named = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'user.name', GIT_CONFIG_VALUE_0: 'Ada Lovelace' };
    expect(await actor(await tempFolder('plain'), named)).toBe('Ada Lovelace');
  });

  it('is the machine’s user where git names nobody, or is not there', async () => {
    const folder = await tempFolder('plain');
    expect(await actor(folder, { USER: 'ada' })).toBe('ada');
    expect(await actor(folder, { USER: 'ada', PATH: folder })).toBe('ada');
  });

  it('has a name also where the environment has none', async () => {
    const folder = await tempFolder('plain');
    expect(await actor(folder, { USER: '' })).toBe(userInfo().username);
    expect(await actor(folder, { USER: '' }, null)).toBe(userInfo().username);
  });
});
