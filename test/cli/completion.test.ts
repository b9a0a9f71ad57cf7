/** Completion as bash itself does it. */

import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TASK_STATES } from '../../src/core/task-types.ts';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment } from './rig.ts';

const run = promisify(execFile);

/** What bash offers behind these words. */
async function offers(cwd: string, words: readonly string[]): Promise<readonly string[]> {
  const { stdout: script } = await cli({ cwd: '/', env: {} }, ['completion', 'bash']);
  const asked = `${script}\nCOMP_WORDS=(tasks "$@"); COMP_CWORD=$#; _tasks; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', asked, 'bash', ...words], { cwd, env: cliEnvironment(cwd) });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion', () => {
  it('offers the commands, and the options of one', async () => {
    const folder = await tempFolder('plain');
    expect(await offers(folder, ['su'])).toEqual(['submit']);
    expect(await offers(folder, ['submit', '--no'])).toEqual(['--no-wait-for-people']);
  });

  it('offers the states, and not the files of the folder', async () => {
    const folder = await tempFolder('plain');
    await writeFile(join(folder, 'running.txt'), '');
    expect(await offers(folder, ['list', '--state', ''])).toEqual([...TASK_STATES]);
    expect(await offers(folder, ['list', '--state', 'run'])).toEqual(['running']);
    expect(await offers(folder, ['wait', '--timeout', ''])).toEqual([]);
    expect(await offers(folder, ['submit', 'run'])).toEqual([]);
  });

  it('offers files where a path is taken', async () => {
    const folder = await tempFolder('plain');
    await writeFile(join(folder, 'notes.md'), '');
    expect(await offers(folder, ['submit', '--file', 'no'])).toEqual(['notes.md']);
  });

  it('offers the agents of tasks.yaml', async () => {
    const text = 'project: shop\nagents:\n  mine:\n    command: [x]\n  yours: {command: [y]}\ngate: "true"\n';
    const { clone } = await SampleProject.create({ 'tasks.yaml': text }, 'checkout');
    expect(await offers(clone, ['submit', '--agent', ''])).toEqual(['mine', 'yours', 'claude']);
  });
});
