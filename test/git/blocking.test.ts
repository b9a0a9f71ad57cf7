/** Files by which git goes in a worktree, made so that it waits at them or reads for hours. */

import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openGit } from '../../src/git/open-git.ts';
import {
  bareOrigin,
  built,
  newRoom,
  otherTaskId,
  prepared,
  stored,
  storeRequest,
  TASKS_YAML,
  worked,
  write,
} from '../support/git-rig.ts';

const GIB = 1024 ** 3;
/** Git would wait for a quarter of an hour, or take all memory. */
const SOON_MS = 60_000;

function pipe(path: string): void {
  rmSync(path, { force: true });
  execFileSync('mkfifo', [path]);
}

function hole(path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 40 * GIB);
}

const FILES = { 'a.txt': 'a\n', 'sub/b.txt': 'b\n', '.gitattributes': '*.txt text\n', 'tasks.yaml': TASKS_YAML };

const WAYS: readonly (readonly [what: string, name: string, make: (path: string) => void])[] = [
  ['a pipe for .gitignore', '.gitignore', pipe],
  ['a pipe for .gitattributes', '.gitattributes', pipe],
  ['a pipe for the .gitignore of a folder', 'sub/.gitignore', pipe],
  ['a .gitignore of forty GiB that are all hole', 'sub/.gitignore', hole],
];

/** Far longer than a path can be. */
function deep(path: string): void {
  mkdirSync(path);
  execFileSync('perl', ['-e', 'for (1 .. 600) { mkdir "dddddddddd"; chdir "dddddddddd" or die; }'], { cwd: path });
}

describe('what an attempt left is refused by name, and the next one begins', () => {
  it.each(WAYS)(
    'where it is %s',
    async (_, name, make) => {
      const { target } = await bareOrigin(FILES);
      const { room } = await newRoom();
      const workspace = await prepared(room, target);
      await write(workspace.worktree, { 'a.txt': 'changed\n' });
      make(join(workspace.worktree, name));
      expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
        kind: 'failed',
        failure: 'unstorable-files',
        message: expect.stringContaining(name),
      });
      const again = await prepared(room, target, 2);
      expect(statSync(join(again.worktree, '.gitattributes')).isFile()).toBe(true);
      expect(existsSync(join(again.worktree, 'sub/.gitignore'))).toBe(false);
      await write(again.worktree, { 'a.txt': 'changed\n' });
      expect((await stored(room, target, again, 2)).changed).toBe(true);
    },
    SOON_MS,
  );

  it(
    'but not where it is a link, or in a repository that git ignores',
    async () => {
      const { target } = await bareOrigin({ ...FILES, '.gitignore': 'packages/\n' });
      const { room } = await newRoom();
      const workspace = await prepared(room, target);
      await write(workspace.worktree, { 'a.txt': 'changed\n', 'packages/x/.git/config': '' });
      pipe(join(workspace.worktree, 'packages/x/.gitignore'));
      execFileSync('ln', ['-s', 'a.txt', join(workspace.worktree, 'sub/.gitignore')]);
      expect((await stored(room, target, workspace)).changed).toBe(true);
    },
    SOON_MS,
  );
});

it.each(WAYS)(
  'a look on the way at a worktree in which there is %s ends soon',
  async (_, name, make) => {
    const { target } = await bareOrigin(FILES);
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'a.txt': 'changed\n' });
    make(join(workspace.worktree, name));
    const { project, origin } = target;
    expect(
      await room.storeUnfinished({
        project,
        origin,
        workspace,
        attempt: 1,
      }),
    ).toMatchObject({ kind: 'failed' });
  },
  SOON_MS,
);

it.each(WAYS)(
  'a gate worktree is handed out again after a run has left %s',
  async (_, name, make) => {
    const { target } = await bareOrigin(FILES);
    const { room } = await newRoom();
    const one = await worked(room, target, { 'a.txt': 'one\n' });
    const two = await worked(room, target, { 'sub/b.txt': 'two\n' }, otherTaskId);
    const first = await room.gateWorktree(target, one, await built(room, target, one));
    mkdirSync(join(first.path, 'sub'), { recursive: true });
    make(join(first.path, name));
    await first.release();
    const second = await room.gateWorktree(target, two, await built(room, target, two));
    expect(second.path).toBe(first.path);
    expect(existsSync(join(second.path, 'sub/.gitignore'))).toBe(false);
    expect(statSync(join(second.path, '.gitattributes')).isFile()).toBe(true);
    await second.release();
  },
  SOON_MS,
);

it(
  'folders in one another, deeper than a path can be, are refused by name and gone with the next attempt',
  async () => {
    const { target } = await bareOrigin(FILES);
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    deep(join(workspace.worktree, 'deep'));
    expect(await room.storeWorkspace(storeRequest(target, workspace))).toMatchObject({
      failure: 'unstorable-files',
      message: expect.stringContaining('deeper than a path can be'),
    });
    const again = await prepared(room, target, 2);
    expect(existsSync(join(again.worktree, 'deep'))).toBe(false);
    await write(again.worktree, { 'a.txt': 'changed\n' });
    expect((await stored(room, target, again, 2)).changed).toBe(true);
  },
  SOON_MS,
);

it(
  'a gate worktree is handed out again after a run has left folders deeper than a path can be',
  async () => {
    const { target } = await bareOrigin(FILES);
    const { room } = await newRoom();
    const one = await worked(room, target, { 'a.txt': 'one\n' });
    const candidate = await built(room, target, one);
    const first = await room.gateWorktree(target, one, candidate);
    deep(join(first.path, 'deep'));
    await first.release();
    const second = await room.gateWorktree(target, one, candidate);
    expect(existsSync(join(second.path, 'deep'))).toBe(false);
    await second.release();
  },
  SOON_MS,
);

it(
  'rules of forty GiB that come between a look and git itself take no memory',
  async () => {
    const { person } = await bareOrigin(FILES);
    const { home } = await newRoom();
    const git = openGit({ home, processHome: home, confine: null });
    hole(join(person, '.gitignore'));
    const args = ['ls-files', '--others', '--exclude-standard'];
    const place = { gitDir: join(person, '.git'), worktree: person };
    await expect(git.local(args, place)).rejects.toThrow(/over limit/);
  },
  SOON_MS,
);
