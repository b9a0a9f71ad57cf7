/** Whether `tasks init` commits what it has written, and what it says where it does not. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, type CliPlace } from './rig.ts';
import { atTerminal } from './terminal.ts';

const INIT = ['init', '--gate', 'true', '--agent', 'sh'];

async function repository(): Promise<{ readonly project: SampleProject; readonly place: CliPlace }> {
  const project = await SampleProject.create({ 'a.txt': 'a' }, 'checkout');
  return { project, place: { cwd: project.clone, env: cliEnvironment(await tempFolder('home')) } };
}

describe('a tasks.yaml for another branch than the one that is checked out', () => {
  it.each([
    ['feature is checked out', ['switch', '--quiet', '-c', 'feature']],
    ['HEAD is detached', ['switch', '--quiet', '--detach']],
  ])('is not committed where %s', async (where, go) => {
    const { project, place } = await repository();
    await project.git(...go);
    const run = await cli(place, [...INIT, '--branch', 'main', '--commit']);
    expect(run.stderr).toBe(`tasks: --commit: it counts on main, and ${where}; go there: git switch main\n`);
    expect({ code: run.code, stdout: run.stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(join(project.clone, 'tasks.yaml'))).toBe(false);
  });

  it('is written, and its commit begins with going there', async () => {
    const { project, place } = await repository();
    await project.git('switch', '--quiet', '-c', 'feature');
    const { code, asked, stdout } = await atTerminal(place, [...INIT, '--branch', 'main'], []);
    expect(stdout).toContain('  git switch main && git add tasks.yaml && git commit -m "Configure tasks"\n');
    expect({ code, asked }).toEqual({ code: 0, asked: '' });
  });
});

describe('a repository whose .gitignore ignores all that it does not name', () => {
  it('gets its tasks.yaml committed', async () => {
    const { project, place } = await repository();
    await project.commit('Ignore all but one', { '.gitignore': '/*\n!/a.txt\n!/.gitignore\n' });
    const run = await cli(place, [...INIT, '--commit']);
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(await project.git('show', '--format=%s', '--name-only')).toBe('Configure tasks\n\ntasks.yaml');
  });

  it('is told the command that commits it all the same', async () => {
    const { project, place } = await repository();
    await project.commit('Ignore all but one', { '.gitignore': '/*\n!/a.txt\n!/.gitignore\n' });
    const run = await cli(place, INIT);
    expect(run.stdout).toContain('  git add --force tasks.yaml && git commit -m "Configure tasks"\n');
    const submitted = await cli(place, ['submit', 'Add b']);
    expect(submitted.stderr).toContain('is not committed; commit it: git add --force tasks.yaml && git commit');
  });

  it('is told that set-up fills a folder that a rule takes out again', async () => {
    const { project, place } = await repository();
    await project.commit('Ignore all but some', { '.gitignore': '/*\n!/a.txt\n!/.gitignore\n!/node_modules\n' });
    const run = await cli(place, [...INIT, '--setup', 'npm ci']);
    expect(run.stderr).toContain('set-up fills node_modules, and no .gitignore names it');
  });
});

describe("a repository's own hook", () => {
  it.each([
    ['that refuses without a word', 'exit 1', 'git ended with exit code 1'],
    ['that says why on standard output', 'echo; echo "lint: 2 errors"; exit 3', 'lint: 2 errors'],
  ])('%s keeps tasks.yaml from being committed, and is told', async (_hook, script, why) => {
    const { project, place } = await repository();
    const hook = join(project.clone, '.git', 'hooks', 'pre-commit');
    await writeFile(hook, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const run = await cli(place, [...INIT, '--commit']);
    expect(run.stderr).toContain(`tasks: tasks.yaml is written, and not committed: ${why}\n`);
    expect(run.stderr).toContain('tasks: commit it yourself: git add tasks.yaml && git commit');
    expect(run.stdout).not.toContain('Next:');
    expect(run.code).toBe(1);
    expect(await project.subjects()).toEqual(['Begin']);
  });
});

describe('tasks init at a terminal', () => {
  it('commits nothing for somebody who leaves instead of answering, and says what is to be done', async () => {
    const { project, place } = await repository();
    const { code, stdout } = await atTerminal(place, INIT, [{ at: /Commit it\?/, line: null }]);
    expect(stdout).toContain('  git add tasks.yaml && git commit -m "Configure tasks"\n');
    expect(code).toBe(0);
    expect(await project.subjects()).toEqual(['Begin']);
  });

  it('asks nothing, and draws nothing, where CI says that nobody looks', async () => {
    const { project, place } = await repository();
    const env = { ...place.env, CI: 'true' };
    expect(await atTerminal({ ...place, env }, INIT, [])).toMatchObject({ code: 0, asked: '' });
    expect(await atTerminal({ ...place, env }, ['down'], [])).toMatchObject({ code: 0, asked: '' });
    expect(await project.subjects()).toEqual(['Begin']);
  });
});
