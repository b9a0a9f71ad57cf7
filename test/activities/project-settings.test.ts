/** What is told where a task's tasks.yaml cannot be had of its origin. */

import { expect, it } from '@jest/globals';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSettings } from '../../src/activities/project-settings.ts';
import { parseProjectFile } from '../../src/config/project-file.ts';
import { createGitRoom } from '../../src/git/room.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { bareOrigin, branch, commitFiles, git, head, newRoom, prepared, project } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

/** An origin with loose objects, as another host would be asked for it. */
async function origin() {
  const { person, origin: folder } = await bareOrigin();
  await commitFiles(person, { 'lost.txt': 'lost\n' }, 'second');
  await git(person, 'push', '-q', 'origin', 'main');
  const { room } = await newRoom();
  const commit = await head(person);
  const read = () =>
    readSettings(
      { git: room, parseSettings: parseProjectFile },
      { project, branch, origin: pathToFileURL(folder).href },
      commit,
    );
  return { folder, read };
}

it('says that the origin may be damaged where it lacks objects', async () => {
  const { folder, read } = await origin();
  const blob = await git(folder, 'rev-parse', 'main:lost.txt');
  await rm(join(folder, 'objects', blob.slice(0, 2), blob.slice(2)));
  expect(await read()).toMatchObject({
    kind: 'failed',
    failure: {
      kind: 'origin-unreachable',
      message: expect.stringContaining('may be damaged'),
      next: expect.stringContaining('git fsck'),
    },
  });
});

it('says that the origin cannot be reached, and which, where it has gone', async () => {
  const { folder, read } = await origin();
  await rename(folder, `${folder}.away`);
  expect(await read()).toMatchObject({
    kind: 'failed',
    failure: {
      kind: 'origin-unreachable',
      message: expect.stringMatching(/^cannot reach the origin file:/),
      next: expect.stringContaining('When an origin moves'),
    },
  });
});

/** Over ssh, as far as git is concerned. */
async function roomOverSsh(protocol: 'present' | 'first'): Promise<GitRoom> {
  const home = await tempFolder('home');
  const ssh = join(home, 'ssh');
  const begin = protocol === 'first' ? 'unset GIT_PROTOCOL\n' : '';
  await writeFile(ssh, `#!/bin/sh\n${begin}for last; do :; done\nexec sh -c "$last"\n`);
  await chmod(ssh, 0o755);
  const env = { PATH: process.env['PATH'] ?? '', GIT_SSH_COMMAND: ssh, GIT_SSH_VARIANT: 'ssh' };
  return createGitRoom({ home, worker: 'test', processHome: home, personal: { env } });
}

it.each(['before it was reached', 'after that'])('names a branch that was renamed %s, and the mend', async (when) => {
  const { person, origin: folder, target } = await bareOrigin();
  const { room } = await newRoom();
  if (when === 'after that') await prepared(room, target);
  const commit = await commitFiles(person, { 'a.txt': 'next\n' });
  await git(person, 'push', '-q', 'origin', 'main');
  await git(folder, 'branch', '-m', 'main', 'trunk');
  expect(await readSettings({ git: room, parseSettings: parseProjectFile }, target, commit)).toEqual({
    kind: 'failed',
    failure: {
      kind: 'bad-configuration',
      message: expect.stringContaining('has no branch "main": it was renamed'),
      next: expect.stringContaining('git push origin NEW:refs/heads/main'),
    },
  });
});

it.each(['present', 'first'] as const)(
  'says that no branch has the commit any more, by git’s %s protocol',
  async (protocol) => {
    const { person, origin: folder, first } = await bareOrigin();
    const commit = await commitFiles(person, { 'a.txt': 'submitted\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    await git(person, 'push', '-q', '--force', 'origin', `${first}:main`);
    await git(folder, 'gc', '-q', '--prune=now');
    const needs = { git: await roomOverSsh(protocol), parseSettings: parseProjectFile };
    expect(await readSettings(needs, { project, branch, origin: `ada@example.com:${folder}` }, commit)).toEqual({
      kind: 'failed',
      failure: {
        kind: 'bad-configuration',
        message: `tasks.yaml of commit ${commit} cannot be read: no branch of ada@example.com:${folder} has that commit, as after a forced push`,
        next: 'push it there again, to any branch, then tasks retry; or submit the task anew',
      },
    });
  },
);

it('says of a tasks.yaml that is too large to be read that it is', async () => {
  const { person, target } = await bareOrigin();
  const commit = await commitFiles(person, { 'tasks.yaml': `# ${'x'.repeat(1024 * 1024)}\n` });
  await git(person, 'push', '-q', 'origin', 'main');
  const { room } = await newRoom();
  expect(await readSettings({ git: room, parseSettings: parseProjectFile }, target, commit)).toMatchObject({
    kind: 'failed',
    failure: { kind: 'bad-configuration', message: expect.stringContaining('more than 1 MiB') },
  });
});
