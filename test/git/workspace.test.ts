/** Workspaces: made, reused, and mended whatever was left there. */

import { describe, expect, it } from '@jest/globals';
import { chmod, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  bareOrigin,
  branch,
  commitFiles,
  git,
  head,
  newRoom,
  otherTaskId,
  prepared,
  project,
  stored,
  storeRequest,
  taskId,
  value,
  write,
} from '../support/git-rig.ts';
import { parseTaskId } from '../../src/core/ids.ts';
import { tempFolder } from '../support/temp.ts';

const mirrorOf = async (worktree: string): Promise<string> =>
  git(worktree, 'rev-parse', '--path-format=absolute', '--git-common-dir');
const adminOf = async (worktree: string): Promise<string> => git(worktree, 'rev-parse', '--absolute-git-dir');

describe('preparing a workspace', () => {
  it('makes a clean worktree on the task branch at main', async () => {
    const { target, first } = await bareOrigin();
    const { room, home } = await newRoom();
    const workspace = await prepared(room, target);
    expect(workspace).toEqual({
      taskId,
      worktree: join(home, 'workspaces', project, taskId, 'worktree'),
      taskDir: join(home, 'workspaces', project, taskId, 'task'),
      sessionFile: join(home, 'workspaces', project, taskId, 'session.jsonl'),
      branch: `tasks/${taskId}`,
      base: first,
      start: first,
      conflicted: [],
      anew: null,
    });
    expect(await git(workspace.worktree, 'status', '--porcelain', '--branch')).toBe(`## tasks/${taskId}`);
    expect(await git(workspace.worktree, 'rev-parse', 'HEAD', 'origin/main')).toBe(`${first}\n${first}`);
    expect(existsSync(workspace.taskDir)).toBe(true);
    expect(await room.listWorkspaces()).toEqual([{ project, taskId }]);
  });

  it('starts at main as it now is and discards what was there, but keeps ignored files', async () => {
    const { target, person } = await bareOrigin({ '.gitignore': 'cache/\n', 'a.txt': 'one\n' });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'a.txt': 'changed\n', 'junk.txt': 'x', 'cache/kept': 'y' });
    await write(workspace.taskDir, { 'plan.md': 'old plan' });
    const second = await commitFiles(person, { 'c.txt': 'c\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    const again = await prepared(room, target, 2);
    expect(again.start).toBe(second);
    expect(await readFile(join(again.worktree, 'a.txt'), 'utf8')).toBe('one\n');
    expect(existsSync(join(again.worktree, 'junk.txt'))).toBe(false);
    expect(existsSync(join(again.worktree, 'cache/kept'))).toBe(true);
    expect(existsSync(join(again.taskDir, 'plan.md'))).toBe(false);
    expect(await git(again.worktree, 'status', '--porcelain')).toBe('');
  });

  it('finds changes that an agent hid from its own index', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'a.txt': 'hidden\n' });
    await git(workspace.worktree, 'update-index', '--skip-worktree', 'a.txt');
    const again = await prepared(room, target, 2);
    expect(await readFile(join(again.worktree, 'a.txt'), 'utf8')).toBe('one\ntwo\nthree\n');
  });

  it('rebuilds from the checkpoint on another host, with the notes', async () => {
    const { target } = await bareOrigin();
    const one = await newRoom();
    const workspace = await prepared(one.room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    await write(workspace.taskDir, { 'plan.md': 'the plan', 'outputs/deep/log.txt': 'out', 'prompt.md': 'not kept' });
    const checkpoint = await stored(one.room, target, workspace);
    await one.room.removeWorkspace(project, taskId);
    expect(await one.room.listWorkspaces()).toEqual([]);
    const two = await newRoom();
    const again = await prepared(two.room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(again).toMatchObject({ base: checkpoint.base, start: checkpoint.head, conflicted: [] });
    expect(await readFile(join(again.worktree, 'b.txt'), 'utf8')).toBe('b\n');
    expect(await readFile(join(again.taskDir, 'plan.md'), 'utf8')).toBe('the plan');
    expect(await readFile(join(again.taskDir, 'outputs/deep/log.txt'), 'utf8')).toBe('out');
    expect(existsSync(join(again.taskDir, 'prompt.md'))).toBe(false);
    const backHome = await prepared(one.room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(await readFile(join(backHome.taskDir, 'plan.md'), 'utf8')).toBe('the plan');
  });

  it('puts the notes of the checkpoint back when a later attempt, whose answer was lost, left others', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const first = await prepared(room, target);
    await write(first.taskDir, { 'understanding.md': 'understood' });
    const checkpoint = await stored(room, target, first);
    const lost = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    await write(lost.taskDir, { 'plan.md': 'lost' });
    await stored(room, target, lost, 2);
    const again = await prepared(room, target, 3, { kind: 'checkpoint', checkpoint });
    expect(await readFile(join(again.taskDir, 'understanding.md'), 'utf8')).toBe('understood');
    expect(existsSync(join(again.taskDir, 'plan.md'))).toBe(false);
  });

  it('prepares two tasks at once, also as the first of a mirror and from two rooms of one home', async () => {
    const { target } = await bareOrigin();
    const { room, home } = await newRoom();
    const second = await newRoom(home);
    const [one, two] = await Promise.all([
      prepared(room, target),
      prepared(second.room, target, 1, { kind: 'main' }, otherTaskId),
    ]);
    expect(await git(one.worktree, 'status', '--porcelain')).toBe('');
    expect(await git(two.worktree, 'status', '--porcelain')).toBe('');
    expect(two.start).toBe(one.start);
  });

  it('gives each of many that prepare at once in one room main as it then is', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    await prepared(room, target);
    const main = await commitFiles(person, { 'c.txt': 'c\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    const ids = ['0000000001', '0000000002', '0000000003', '0000000004'].map((text) => value(parseTaskId(text)));
    const made = await Promise.all(ids.map((id) => prepared(room, target, 1, { kind: 'main' }, id)));
    expect(made.map((workspace) => workspace.start)).toEqual([main, main, main, main]);
  });

  it.each<[string, (worktree: string) => Promise<void>]>([
    ['a stale index lock', async (worktree) => writeFile(join(await adminOf(worktree), 'index.lock'), '')],
    ['a missing .git file', (worktree) => rm(join(worktree, '.git'))],
    ['a missing worktree', (worktree) => rm(worktree, { recursive: true })],
    [
      'a half-made worktree',
      async (worktree) => {
        const admin = await adminOf(worktree);
        await writeFile(join(admin, 'locked'), 'initializing');
        await rm(join(admin, 'commondir'));
        await rm(join(admin, 'HEAD'));
      },
    ],
    ['a missing folder in the mirror', async (worktree) => rm(await adminOf(worktree), { recursive: true })],
    ['a workspace folder that somebody deleted', (worktree) => rm(join(worktree, '..'), { recursive: true })],
    [
      'a broken index',
      async (worktree) => {
        await writeFile(join(await adminOf(worktree), 'index'), 'no index');
        await writeFile(join(worktree, '../index'), 'no index');
      },
    ],
    [
      'a broken lock of the branch',
      async (worktree) => writeFile(join(await mirrorOf(worktree), `refs/heads/tasks/${taskId}.lock`), ''),
    ],
  ])('mends %s', async (_, harm) => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    const checkpoint = await stored(room, target, workspace);
    await harm(workspace.worktree);
    const again = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(await git(again.worktree, 'status', '--porcelain', '--branch')).toBe(`## tasks/${taskId}`);
    expect(await head(again.worktree)).toBe(checkpoint.head);
    expect(await readFile(join(again.worktree, 'b.txt'), 'utf8')).toBe('b\n');
  });

  it('puts the mirror right after an agent changed its configuration and hooks', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const marker = join(await tempFolder('marker'), 'ran');
    const workspace = await prepared(room, target);
    const mirror = await mirrorOf(workspace.worktree);
    await git(workspace.worktree, 'config', 'filter.evil.smudge', `touch ${marker}; cat`);
    await mkdir(join(mirror, 'hooks'), { recursive: true });
    await writeFile(join(mirror, 'hooks/post-checkout'), `#!/bin/sh\ntouch ${marker}\n`);
    await chmod(join(mirror, 'hooks/post-checkout'), 0o755);
    await mkdir(join(mirror, 'info'), { recursive: true });
    await writeFile(join(mirror, 'info/attributes'), '* filter=evil\n');
    const other = await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
    await git(other.worktree, 'checkout', '-q', 'HEAD', '--', '.');
    expect(existsSync(marker)).toBe(false);
    expect(existsSync(join(mirror, 'hooks'))).toBe(false);
    expect(await readFile(join(mirror, 'config'), 'utf8')).not.toContain('evil');
  });

  it('does not follow links that an agent put where the engine writes', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const victim = join(await tempFolder('victim'), 'precious');
    await writeFile(victim, 'precious');
    const admin = await adminOf(workspace.worktree);
    await rm(join(admin, 'index'));
    await symlink(victim, join(admin, 'index'));
    await prepared(room, target, 2);
    expect(await readFile(victim, 'utf8')).toBe('precious');
  });

  it('says which branch is missing, that an origin is empty, and that one cannot be reached', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const request = { ...target, taskId, attempt: 1, start: { kind: 'main' } as const };
    const empty = join(await tempFolder('empty'), 'e.git');
    await git('/', 'init', '-q', '--bare', empty);
    expect(await room.prepareWorkspace({ ...request, origin: empty })).toMatchObject({
      kind: 'failed',
      failure: 'bad-configuration',
    });
    expect(await room.prepareWorkspace({ ...request, origin: `${empty}-not` })).toMatchObject({
      kind: 'failed',
      failure: 'origin-unreachable',
    });
    await prepared(room, target);
    await git(target.origin, 'update-ref', '-d', `refs/heads/${branch}`);
    expect(await room.prepareWorkspace(request)).toMatchObject({ kind: 'failed', failure: 'bad-configuration' });
  });

  it('fails by name when the checkpoint is gone from the origin', async () => {
    const { target } = await bareOrigin();
    const one = await newRoom();
    const workspace = await prepared(one.room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    const checkpoint = await stored(one.room, target, workspace);
    await one.room.deleteTaskRefs(target, [taskId]);
    expect(await git(target.origin, 'for-each-ref', 'refs/tasks')).toBe('');
    const two = await newRoom();
    const request = { ...target, taskId, attempt: 2, start: { kind: 'checkpoint', checkpoint } as const };
    expect(await two.room.prepareWorkspace(request)).toMatchObject({ kind: 'failed', failure: 'engine-error' });
  });

  it('starts from main as it now is when main was rewritten under a task that has changed nothing', async () => {
    const { target, person } = await bareOrigin();
    const one = await newRoom();
    const workspace = await prepared(one.room, target);
    await write(workspace.taskDir, { 'plan.md': 'planned' });
    const checkpoint = await stored(one.room, target, workspace);
    await git(person, 'checkout', '-q', '--orphan', 'fresh');
    const main = await commitFiles(person, { 'c.txt': 'c\n' }, 'rewritten');
    await git(person, 'push', '-q', '--force', 'origin', 'fresh:main');
    const two = await newRoom();
    const again = await prepared(two.room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(again).toMatchObject({ base: main, start: main });
    expect(await readFile(join(again.taskDir, 'plan.md'), 'utf8')).toBe('planned');
  });
});

describe('a revision', () => {
  it('starts from main merged into the branch when that is clean', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    const checkpoint = await stored(room, target, workspace);
    const main = await commitFiles(person, { 'c.txt': 'c\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    const again = await prepared(room, target, 2, { kind: 'revision', checkpoint });
    expect(again).toMatchObject({ base: main, conflicted: [] });
    expect(await git(again.worktree, 'rev-parse', 'HEAD^1', 'HEAD^2')).toBe(`${checkpoint.head}\n${main}`);
    expect(await git(again.worktree, 'ls-files')).toBe('a.txt\nb.txt\nc.txt\ntasks.yaml');
  });

  it('leaves conflict markers, refuses a result that still has them, and takes one without', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'a.txt': 'one\nTASK\nthree\n' });
    const checkpoint = await stored(room, target, workspace);
    const main = await commitFiles(person, { 'a.txt': 'one\nMAIN\nthree\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    const again = await prepared(room, target, 2, { kind: 'revision', checkpoint });
    expect(again).toMatchObject({ base: main, conflicted: ['a.txt'] });
    const text = await readFile(join(again.worktree, 'a.txt'), 'utf8');
    expect(text).toMatch(/<{7} .*\nTASK\n={7}\nMAIN\n>{7} /);
    expect(await room.storeWorkspace(storeRequest(target, again, 2))).toMatchObject({
      kind: 'failed',
      failure: 'conflict-markers',
      message: expect.stringContaining('a.txt'),
    });
    for (const end of [/^<{7} .*\n/m, /^>{7} .*\n/m]) {
      await write(again.worktree, { 'a.txt': text.replace(end, '') });
      const half = await room.storeWorkspace(storeRequest(target, again, 2));
      expect(half).toMatchObject({ kind: 'failed', failure: 'conflict-markers' });
    }
    await write(again.worktree, { 'a.txt': 'one\nBOTH\nthree\n' });
    const resolved = await stored(room, target, again, 2);
    expect(resolved).toMatchObject({ base: main, attempt: 2, changed: true });
    expect(await git(target.origin, 'merge-base', '--is-ancestor', main, resolved.head)).toBe('');
  });
});
