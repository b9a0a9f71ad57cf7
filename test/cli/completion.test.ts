/** Completion as bash itself does it. */

import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PHASES } from '../../src/core/retry-from.ts';
import { PRIORITIES, TASK_STATES } from '../../src/core/task-types.ts';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment } from './rig.ts';

const run = promisify(execFile);

/** What bash offers behind these words. */
async function offers(cwd: string, words: readonly string[], bin?: string): Promise<readonly string[]> {
  const { stdout: script } = await cli({ cwd: '/', env: {} }, ['completion', 'bash']);
  const plain = cliEnvironment(cwd);
  const env = bin === undefined ? plain : { ...plain, PATH: `${bin}:${plain['PATH'] ?? ''}` };
  const asked = `${script}\nCOMP_WORDS=(tasks "$@"); COMP_CWORD=$#; _tasks; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = await run('bash', ['-c', asked, 'bash', ...words], { cwd, env });
  return stdout.split('\n').filter((line) => line !== '');
}

/** Of `--json`, by a task whose title is like another key. */
function line(id: string, project: string): string {
  return JSON.stringify({ id, title: 'says "project":"no"', project, x: 1 });
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
    await writeFile(join(folder, 'my first notes.md'), '');
    expect(await offers(folder, ['submit', '--file', 'my'])).toEqual(['my first notes.md']);
  });

  it('offers priorities, phases and the commands of a command', async () => {
    const folder = await tempFolder('plain');
    expect(await offers(folder, ['submit', '--priority', ''])).toEqual([...PRIORITIES]);
    expect(await offers(folder, ['retry', 'x', '--from', ''])).toEqual([...PHASES]);
    expect(await offers(folder, ['queue', 'p'])).toEqual(['pause', 'promote']);
    expect(await offers(folder, ['hosts', ''])).toEqual(['drain', 'undrain']);
    expect(await offers(folder, ['queue', 'pause', ''])).toEqual([]);
  });

  it('offers the projects that there are, and for a retry what can be retried', async () => {
    const folder = await tempFolder('plain');
    const lists = {
      list: [line('aaaaaaaaaa', 'shop'), line('bbbbbbbbbb', 'site'), line('cccccccccc', 'shop')].join('\n'),
      ended: line('dddddddddd', 'shop'),
      failed: line('eeeeeeeeee', 'shop'),
    };
    for (const [name, text] of Object.entries(lists)) await writeFile(join(folder, name), `${text}\n`);
    const program = '#!/bin/sh\ncase "$*" in *canceled*) cat ended ;; list*) cat list ;; failed*) cat failed ;; esac\n';
    await writeFile(join(folder, 'tasks'), program, { mode: 0o755 });
    expect(await offers(folder, ['list', '--project', ''], folder)).toEqual(['shop', 'site']);
    expect(await offers(folder, ['queue', '--project', 'si'], folder)).toEqual(['site']);
    expect(await offers(folder, ['init', '--project', ''], folder)).toEqual([]);
    expect(await offers(folder, ['retry', ''], folder)).toEqual(['dddddddddd', 'eeeeeeeeee']);
    expect(await offers(folder, ['show', 'a'], folder)).toEqual(['aaaaaaaaaa']);
  });

  it('offers the agents of tasks.yaml', async () => {
    const text = 'project: shop\nagents:\n  mine:\n    command: [x]\n  yours: {command: [y]}\ngate: "true"\n';
    const { clone } = await SampleProject.create({ 'tasks.yaml': text }, 'checkout');
    expect(await offers(clone, ['submit', '--agent', ''])).toEqual(['mine', 'yours', 'claude']);
  });
});
