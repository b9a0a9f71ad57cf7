/** What an agent left and the store does not take: refused by name, and never run. */

import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError } from '../../src/git/command.ts';
import { unreadable } from '../../src/git/store-refusals.ts';
import {
  bareOrigin,
  commitFiles,
  git,
  newRoom,
  prepared,
  stored,
  storeRequest,
  taskId,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const SAID = 'branches are feature/* alone; who needs another one asks Ada, who makes it';

describe('refusing what an agent left', () => {
  it('names the branch that the worktree is on', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await git(workspace.worktree, 'checkout', '-q', '-b', 'feature');
    await commitFiles(workspace.worktree, { 'b.txt': 'b\n' });
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      failure: 'wrong-branch',
      message: expect.stringContaining('feature'),
    });
    await git(workspace.worktree, 'checkout', '-q', '--detach');
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      failure: 'wrong-branch',
      message: expect.stringContaining('detached'),
    });
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).toBe('');
  });

  it('says with what words an origin refuses the refs of tasks', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    await writeFile(join(origin, 'hooks/pre-receive'), `#!/bin/sh\necho "${SAID}" >&2\nexit 1\n`);
    await chmod(join(origin, 'hooks/pre-receive'), 0o755);
    const refused = { failure: 'engine-error', next: 'let the origin accept refs/tasks/*' };
    const words = expect.stringContaining(`"pre-receive hook declined": ${SAID}`);
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({ ...refused, message: words });
    const attempt = { project: target.project, origin, workspace, attempt: 1 };
    expect(await room.beginAttempt(attempt)).toMatchObject({ ...refused, message: words });
  });

  it('leaves a workspace that counts as stored nowhere, until an attempt in it is stored again', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const first = await prepared(room, target);
    await write(first.worktree, { 'b.txt': 'b\n' });
    expect(await room.storedCheckpoint(target.project, taskId)).toBeNull();
    const checkpoint = await stored(room, target, first);
    expect(await room.storedCheckpoint(target.project, taskId)).toEqual(checkpoint);
    const second = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    await git(second.worktree, 'checkout', '-q', '-b', 'feature');
    expect(await room.storeWorkspace(storeRequest(target, second, 2))).toMatchObject({ kind: 'failed' });
    expect(await room.storedCheckpoint(target.project, taskId)).toBeNull();
    const third = await prepared(room, target, 3, { kind: 'checkpoint', checkpoint });
    expect(await stored(room, target, third, 3)).toEqual(checkpoint);
    expect(await room.storedCheckpoint(target.project, taskId)).toEqual(checkpoint);
  });

  it('leaves one that holds nothing, or what was stored before, when no agent has run in it', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    await room.leaveAttempt(target.project, taskId, 1);
    expect(await room.storedCheckpoint(target.project, taskId)).toBeNull();
    const first = await prepared(room, target);
    await room.leaveAttempt(target.project, taskId, 2);
    expect(await room.storedCheckpoint(target.project, taskId)).toBeNull();
    await room.leaveAttempt(target.project, taskId, 1);
    expect(await room.storedCheckpoint(target.project, taskId)).toBe('nothing');
    await write(first.worktree, { 'b.txt': 'b\n' });
    const checkpoint = await stored(room, target, first);
    await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(await room.storedCheckpoint(target.project, taskId)).toBeNull();
    await room.leaveAttempt(target.project, taskId, 2);
    expect(await room.storedCheckpoint(target.project, taskId)).toEqual(checkpoint);
  });

  it('refuses a history that does not descend from the start', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await commitFiles(workspace.worktree, { 'b.txt': 'b\n' });
    await git(workspace.worktree, 'checkout', '-q', '--orphan', 'fresh');
    await git(workspace.worktree, 'commit', '-qm', 'unrelated');
    await git(workspace.worktree, 'branch', '-f', workspace.branch, 'fresh');
    await git(workspace.worktree, 'checkout', '-q', workspace.branch);
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({ failure: 'unrelated-history' });
  });

  it.each(['.git', '.GIT', '.Git'])(
    'refuses a nested %s before git looks, so that its filter never runs',
    async (name) => {
      const { target } = await bareOrigin();
      const { room } = await newRoom();
      const marker = join(await tempFolder('marker'), 'ran');
      const workspace = await prepared(room, target);
      const nested = join(workspace.worktree, 'deep/sub');
      await mkdir(nested, { recursive: true });
      await git(nested, 'init', '-q');
      await commitFiles(nested, { '.gitattributes': '* filter=evil\n', f: 'x' });
      await git(nested, 'config', 'filter.evil.clean', `touch ${marker}; cat`);
      await git(workspace.worktree, 'add', '-A');
      if (name !== '.git') execFileSync('mv', [join(nested, '.git'), join(nested, name)]);
      await rm(marker, { force: true });
      await write(nested, { f: 'y' });
      expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
        failure: 'nested-repository',
        message: expect.stringContaining('deep/sub'),
      });
      expect(existsSync(marker)).toBe(false);
      const again = await prepared(room, target, 2);
      expect(existsSync(join(again.worktree, 'deep'))).toBe(false);
      expect(existsSync(marker)).toBe(false);
    },
  );

  it('refuses a worktree whose own link was changed', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await rm(join(workspace.worktree, '.git'));
    await git(workspace.worktree, 'init', '-q');
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({ failure: 'nested-repository' });
  });

  it('runs no hook, filter, fsmonitor or driver that an agent planted, from store to landing', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const folder = await tempFolder('marker');
    const marker = join(folder, 'ran');
    const script = join(folder, 'evil.sh');
    await writeFile(script, `#!/bin/sh\necho "$0 $@" >> ${marker}\ncat\n`);
    await chmod(script, 0o755);
    const workspace = await prepared(room, target);
    const common = await git(workspace.worktree, 'rev-parse', '--path-format=absolute', '--git-common-dir');
    await write(workspace.worktree, { '.gitattributes': '* filter=evil diff=evil merge=evil\n', 'b.txt': 'b\n' });
    for (const key of [
      'filter.evil.clean',
      'filter.evil.smudge',
      'filter.evil.process',
      'diff.evil.textconv',
      'diff.external',
      'merge.evil.driver',
      'core.fsmonitor',
      'core.pager',
      'core.editor',
      'core.sshCommand',
      'credential.helper',
      'uploadpack.packObjectsHook',
      'gpg.program',
    ]) {
      await git(workspace.worktree, 'config', key, script);
    }
    await git(workspace.worktree, 'config', 'filter.evil.required', 'true');
    await git(workspace.worktree, 'config', 'core.hooksPath', join(common, 'hooks'));
    await mkdir(join(common, 'hooks'), { recursive: true });
    for (const hook of [
      'pre-commit',
      'post-commit',
      'post-checkout',
      'post-index-change',
      'reference-transaction',
      'pre-push',
      'post-merge',
      'update',
      'pre-receive',
      'post-receive',
    ]) {
      await writeFile(join(common, 'hooks', hook), `#!/bin/sh\necho ${hook} >> ${marker}\n`);
      await chmod(join(common, 'hooks', hook), 0o755);
    }
    await rm(marker, { force: true });
    const checkpoint = await stored(room, target, workspace);
    const again = await prepared(room, target, 2, { kind: 'revision', checkpoint });
    await write(again.worktree, { 'c.txt': 'c\n' });
    await stored(room, target, again, 2);
    await room.removeWorkspace(target.project, taskId);
    expect(existsSync(marker)).toBe(false);
  });

  it('names files that cannot be stored', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    execFileSync('mkfifo', [join(workspace.worktree, 'pipe')]);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    const checkpoint = await stored(room, target, workspace);
    expect(await git(target.origin, 'ls-tree', '--name-only', checkpoint.head)).toBe('a.txt\nb.txt\ntasks.yaml');
  });
});

describe('what an agent has closed to the account that the worker runs as, which is nothing to root', () => {
  it('is stored all the same: files and folders, ignored ones too, the task folder and its own repository', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const { worktree, taskDir } = workspace;
    const gitFolder = await git(worktree, 'rev-parse', '--absolute-git-dir');
    await write(worktree, { '.gitignore': 'ignored\n', 'b.txt': 'b\n', 'closed/c.txt': 'c\n', 'ignored/d.txt': 'd\n' });
    await write(taskDir, { 'result.md': 'done\n', 'outputs/e/f.txt': 'f\n' });
    for (const path of ['b.txt', 'closed/c.txt', 'closed', 'ignored', '.git', '.'])
      await chmod(join(worktree, path), 0);
    for (const path of ['result.md', 'outputs/e', '.']) await chmod(join(taskDir, path), 0);
    await chmod(gitFolder, 0o500);
    const checkpoint = await stored(room, target, workspace);
    expect(await git(target.origin, 'ls-tree', '-r', '--name-only', checkpoint.head)).toBe(
      '.gitignore\na.txt\nb.txt\nclosed/c.txt\ntasks.yaml',
    );
    const notes = await git(target.origin, 'ls-tree', '-r', '--name-only', `refs/tasks/${taskId}/1/notes`);
    expect(notes).toBe('outputs/e/f.txt\nresult.md');
  });

  it('is named, where it belongs to another account, by the end of its path', () => {
    const path = `/a/home/${'of-the-workspaces/'.repeat(5)}worktree/data/base`;
    const error = Object.assign(new Error('EACCES: permission denied, opendir'), { code: 'EACCES', path });
    expect(unreadable(error)).toMatchObject({
      failure: 'unstorable-files',
      message: expect.stringMatching(
        /^the worktree cannot be read: "….*worktree\/data\/base" is closed to this account$/,
      ),
    });
  });
});

/** What is made of a git that could not add what is in the worktree. */
const cannotAdd = (stderr: string): unknown =>
  unreadable(new GitError('add && write-tree', 'exit', { stderr, stdout: '', text: stderr }));

it.each(['No space left on device', 'Disk quota exceeded'])(
  'blames no file of the agent for a full disk (%s)',
  (full) => {
    expect(cannotAdd(`error: unable to write file: ${full}`)).toBeNull();
    expect(cannotAdd('error: open("a"): Permission denied')).toMatchObject({ failure: 'unstorable-files' });
  },
);
