/** `tasks init`, and whether the gate that it writes down can run here. */

import { describe, expect, it } from '@jest/globals';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SampleProject } from '../support/sample-project.ts';
import { tempFolder } from '../support/temp.ts';
import { cli, cliEnvironment, type CliRun } from './rig.ts';

/** Where nothing is on the PATH but git, the agent, and these. */
async function initiated(
  programs: readonly string[],
  files: Record<string, string>,
  ...argv: string[]
): Promise<CliRun> {
  const project = await SampleProject.create(files, 'checkout');
  const folder = await tempFolder('home');
  const bin = join(folder, 'bin');
  await mkdir(bin);
  for (const name of [...programs, 'claude']) {
    await writeFile(join(bin, name), '#!/bin/sh\n');
    await chmod(join(bin, name), 0o755);
  }
  await symlink('/usr/bin/git', join(bin, 'git'));
  const env = { ...cliEnvironment(folder), PATH: bin };
  return cli({ cwd: project.clone, env }, ['init', '--json', ...argv]);
}

async function gateOf(programs: readonly string[], files: Record<string, string>): Promise<unknown> {
  return (await initiated(programs, files)).json<{ gate: string }>()[0]?.gate;
}

const TOX = { 'tox.ini': '' };

describe('a gate that tasks init writes down', () => {
  it('and whose program is not on this machine is warned of, with what to do', async () => {
    const run = await initiated([], TOX);
    expect(run.stderr).toBe(
      'tasks: the gate\'s program, tox, is not on this machine; install tox where workers run, or give other commands: tasks init --force --gate "…" --setup "…"\n',
    );
    expect(run.json()).toMatchObject([{ gate: 'tox', gateMissing: expect.stringContaining('tox') }]);
    expect(run.code).toBe(0);
  });

  it('and whose program is there is not spoken of', async () => {
    const run = await initiated(['tox'], TOX);
    expect(run.stderr).toBe('');
    expect(run.json()).toMatchObject([{ gate: 'tox', gateMissing: null }]);
  });

  it('is one whose program is there, where there is such a one', async () => {
    const makefile = { Makefile: 'test:\n\ttrue\n' };
    expect(await gateOf(['make'], { ...TOX, ...makefile })).toBe('make test');
    expect(await gateOf(['make', 'tox'], { ...TOX, ...makefile })).toBe('tox');
    expect(await gateOf(['nox'], { ...TOX, 'noxfile.py': '' })).toBe('nox -R');
    const requirements = { ...TOX, 'requirements.txt': 'pytest\n' };
    expect(await gateOf(['python3'], requirements)).toBe('.venv/bin/python -m pytest');
    expect(await gateOf([], requirements)).toBe('tox');
  });

  it('of a Makefile has the set-up without which it starts nothing, and is none where that cannot run', async () => {
    const files = {
      'package.json': '{"scripts":{"test":"jest"},"devDependencies":{"jest":"1"}}',
      'yarn.lock': '',
      Makefile: 'test:\n\tyarn jest\n',
    };
    expect((await initiated(['make'], files)).json()).toMatchObject([
      { gate: 'yarn test', setup: 'yarn install --frozen-lockfile', gateMissing: expect.stringContaining('yarn') },
    ]);
    const placeholder = { ...files, 'package.json': '{"devDependencies":{"jest":"1"}}' };
    expect((await initiated(['make', 'yarn'], placeholder)).json()).toMatchObject([
      { gate: 'make test', setup: 'yarn install --frozen-lockfile', gateMissing: null },
    ]);
  });

  it('has a set-up whose folder git has to ignore: where no .gitignore names it, it is said', async () => {
    const files = {
      'package.json': '{"scripts":{"test":"jest"},"devDependencies":{"jest":"1"}}',
      'package-lock.json': '{}',
    };
    const says =
      /^tasks: set-up fills node_modules, and no \.gitignore names it: .*; echo node_modules\/ >> \.gitignore,/m;
    expect((await initiated(['npm'], files)).stderr).toMatch(says);
    expect((await initiated(['npm'], { ...files, '.gitignore': 'node_modules\n' })).stderr).toBe('');
  });

  it('has no set-up for who says so with an empty one, whatever was found', async () => {
    const files = {
      'package.json': '{"scripts":{"test":"jest"},"devDependencies":{"jest":"1"}}',
      'package-lock.json': '{}',
      '.gitignore': 'node_modules\n',
    };
    expect((await initiated(['npm'], files)).json()).toMatchObject([{ setup: 'npm ci' }]);
    const run = await initiated(['npm'], files, '--setup', '');
    expect({ code: run.code, stderr: run.stderr }).toEqual({ code: 0, stderr: '' });
    expect(run.json()).toMatchObject([{ gate: 'npm test', setup: null }]);
  });

  it('is asked for where none is recognised, and --commit says that it has committed nothing', async () => {
    const project = await SampleProject.create({ 'a.txt': 'a' }, 'checkout');
    await project.git('config', 'user.name', 'Ada');
    await project.git('config', 'user.email', 'ada@example.test');
    const place = { cwd: project.clone, env: cliEnvironment(await tempFolder('home')) };
    const plain = await cli(place, ['init', '--agent', 'sh']);
    expect(plain.stdout).toMatch(
      /Nothing can be submitted before there is a gate.*\n {2}tasks init --force --commit --gate/,
    );
    expect(plain.code).toBe(0);
    const asked = await cli(place, ['init', '--agent', 'sh', '--force', '--commit']);
    expect(asked.stderr).toBe('tasks: tasks.yaml is written, and not committed: it has no gate\n');
    expect(asked.code).toBe(1);
    expect(await project.git('status', '--porcelain')).toBe('?? tasks.yaml');
    const given = await cli(place, ['init', '--agent', 'sh', '--force', '--commit', '--gate', 'true']);
    expect(given).toMatchObject({ code: 0, stderr: '' });
    expect(await project.git('status', '--porcelain')).toBe('');
  });

  it('finds files under Git LFS as pointers, which is said', async () => {
    const attributes = '*.bin filter=lfs diff=lfs merge=lfs -text\n';
    const run = await initiated(['tox'], { ...TOX, '.gitattributes': attributes });
    expect(run.stderr).toMatch(
      /^tasks: the repository has files under Git LFS, .*; see Large files in docs\/operating\.md/,
    );
    expect(run.json()).toMatchObject([{ found: { hasLargeFiles: true } }]);
    expect((await initiated(['tox'], { ...TOX, '.gitattributes': `# ${attributes}` })).stderr).toBe('');
  });

  it('finds submodules empty, which is said', async () => {
    const run = await initiated([], { '.gitmodules': '' }, '--gate', './test');
    expect(run.stderr).toMatch(
      /^tasks: the repository has submodules, which agents and gates find empty; see Submodules in /,
    );
    expect(run.json()).toMatchObject([{ found: { hasSubmodules: true } }]);
  });

  it('and that the shell or the repository has is not looked for', async () => {
    for (const gate of ['cd app && ./test', './gradlew check', 'CI=1 anything']) {
      expect((await initiated([], TOX, '--gate', gate, '--setup', 'if :; then :; fi')).stderr).toBe('');
    }
  });
});
