/** A worktree that no sandbox holds: what is committed there goes into a repository of the task's own first. */

import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { originKey } from '../../src/git/repository.ts';
import type { GitRoom, Workspace } from '../../src/git/types.ts';
import {
  bareOrigin,
  commitFiles,
  git,
  head,
  newRoom,
  prepared,
  stored,
  storeRequest,
  taskId,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

interface Rig {
  readonly room: GitRoom;
  readonly target: Awaited<ReturnType<typeof bareOrigin>>['target'];
  readonly origin: string;
  readonly workspace: Workspace;
  readonly mirror: string;
}

async function separated(): Promise<Rig> {
  const { target, origin } = await bareOrigin({ 'a.txt': 'a\n' });
  const { room, home } = await newRoom();
  const workspace = await prepared(room, target);
  await room.separateWorkspace({ project: target.project, origin, workspace });
  return { room, target, origin, workspace, mirror: join(home, 'mirrors', `${originKey(target)}.git`) };
}

const has = (repository: string, id: string): Promise<boolean> =>
  git(repository, 'cat-file', '-e', id).then(
    () => true,
    () => false,
  );

describe('a workspace without a sandbox', () => {
  it('keeps what is committed there out of the mirror until it is stored, with what git has tidied up meanwhile', async () => {
    const { room, target, origin, workspace, mirror } = await separated();
    const { worktree, branch } = workspace;
    expect(await git(worktree, 'log', '--format=%s', 'origin/main')).toBe('first');
    const commit = await commitFiles(worktree, { 'b.txt': 'b\n' }, 'by the agent');
    await git(worktree, 'tag', 'mine');
    await git(worktree, 'update-ref', 'refs/tasks/abcdefghjk/1/head', commit);
    await git(worktree, 'gc', '-q');
    expect(await git(worktree, 'rev-parse', branch)).toBe(commit);
    expect(await has(mirror, commit)).toBe(false);
    await write(worktree, { 'c.txt': 'c\n' });
    const checkpoint = await stored(room, target, workspace);
    expect(await git(origin, 'ls-tree', '-r', '--name-only', checkpoint.head)).toBe('a.txt\nb.txt\nc.txt');
    expect(await head(origin, `${checkpoint.head}^`)).toBe(commit);
    expect(await has(mirror, commit)).toBe(true);
    expect(await git(mirror, 'for-each-ref', '--format=%(refname)', 'refs/tags', 'refs/tasks')).toBe('');
    // For whoever looks into the worktree afterwards, and for the next attempt.
    expect(await git(worktree, 'status', '--porcelain')).toBe('');
    expect(await git(worktree, 'log', '-1', '--format=%H')).toBe(checkpoint.head);
    expect((await prepared(room, target, 2, { kind: 'checkpoint', checkpoint })).start).toBe(checkpoint.head);
  });

  it('stores commits on the way, and leaves them to the agent', async () => {
    const { room, target, origin, workspace } = await separated();
    const attempt = { project: target.project, origin, workspace, attempt: 1 };
    expect(await room.beginAttempt(attempt)).toBeNull();
    const commit = await commitFiles(workspace.worktree, { 'b.txt': 'b\n' }, 'by the agent');
    expect((await room.storeUnfinished(attempt)).kind).toBe('stored');
    expect(await head(origin, `refs/tasks/${taskId}/1/work^`)).toBe(commit);
    expect(await git(workspace.worktree, 'status', '--porcelain')).toBe('');
    expect(await head(workspace.worktree)).toBe(commit);
  });

  it('has commits refused that git does not find sound, or that are too large, before they are anywhere else', async () => {
    const { room, target, origin, workspace, mirror } = await separated();
    const { worktree, start, branch } = workspace;
    const commitOf = async (line: string): Promise<string> => {
      const tree = execFileSync('git', ['mktree', '--missing'], {
        cwd: worktree,
        input: line,
        encoding: 'utf8',
      }).trim();
      const commit = await git(worktree, 'commit-tree', '-p', start, '-m', 'Bad', tree);
      await git(worktree, 'update-ref', `refs/heads/${branch}`, commit);
      return commit;
    };
    const blob = await git(worktree, 'rev-parse', 'HEAD:a.txt');
    const unsound = await commitOf(`100644 blob ${blob}\t.git\n`);
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      kind: 'failed',
      failure: 'unstorable-files',
      message: expect.stringMatching(/hasDotgit|\.git/),
    });
    await room.separateWorkspace({ project: target.project, origin, workspace });
    const huge = join(dirname(worktree), 'huge');
    writeFileSync(huge, '');
    truncateSync(huge, 300 * 1024 * 1024);
    const large = await commitOf(`100644 blob ${await git(worktree, 'hash-object', '-w', huge)}\thuge\n`);
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      kind: 'failed',
      failure: 'unstorable-files',
      message: expect.stringContaining('300 MiB'),
    });
    for (const id of [unsound, large]) expect(await has(mirror, id)).toBe(false);
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).toBe('');
    expect(existsSync(join(mirror, 'refs/heads', branch))).toBe(true);
  });

  it('stores the files where the agent has put something else in the place of its repository, or of what names it', async () => {
    const { room, target, origin, workspace, mirror } = await separated();
    const elsewhere = await tempFolder('elsewhere');
    await writeFile(join(elsewhere, 'kept'), 'of the person\n');
    const own = join(dirname(workspace.worktree), 'own.git');
    const commondir = join(mirror, 'worktrees', taskId, 'commondir');
    await rm(own, { recursive: true });
    await symlink(elsewhere, own);
    await rm(commondir);
    await mkdir(join(commondir, 'x'), { recursive: true });
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    const { head: stands } = await stored(room, target, workspace);
    expect(await git(origin, 'ls-tree', '-r', '--name-only', stands)).toBe('a.txt\nb.txt');
    expect(await readdir(elsewhere)).toEqual(['kept']);
    expect(await git(workspace.worktree, 'status', '--porcelain')).toBe('');
  });

  it('leaves what is on another branch where it is', async () => {
    const { room, target, workspace } = await separated();
    await git(workspace.worktree, 'checkout', '-q', '-b', 'other');
    const commit = await commitFiles(workspace.worktree, { 'b.txt': 'b\n' }, 'by the agent');
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      kind: 'failed',
      failure: 'wrong-branch',
    });
    expect(await head(workspace.worktree)).toBe(commit);
  });
});
