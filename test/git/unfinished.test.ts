/** Storing what an agent has done so far, going on from it on another host, and refusing whoever was taken over. */

import { describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createScanner } from '../../src/core/secrets.ts';
import type { GitRoom, UnfinishedResult, Workspace } from '../../src/git/types.ts';
import type { Target } from '../../src/core/queue-types.ts';
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

const UNCHANGED = { kind: 'unchanged', leftOut: [] };
const REF = `refs/tasks/${taskId}`;

function attemptOf({ project, origin }: Target, workspace: Workspace, attempt = 1) {
  return { project, origin, workspace, attempt };
}

/** An attempt that has begun. */
async function begun(room: GitRoom, target: Target, attempt = 1): Promise<Workspace> {
  const workspace = await prepared(room, target, attempt);
  expect(await room.beginAttempt(attemptOf(target, workspace, attempt))).toBeNull();
  return workspace;
}

const onTheWay = (room: GitRoom, target: Target, workspace: Workspace, attempt = 1): Promise<UnfinishedResult> =>
  room.storeUnfinished(attemptOf(target, workspace, attempt));

/** The next attempt, after these were lost. */
async function goesOn(room: GitRoom, target: Target, attempt: number, goOn = true): Promise<Workspace> {
  const attempts = Array.from({ length: attempt - 1 }, (_, index) => index + 1);
  const unfinished = { attempts, goOn };
  const result = await room.prepareWorkspace({ ...target, taskId, attempt, start: { kind: 'main' }, unfinished });
  if (result.kind === 'failed') throw new Error(`${result.failure}: ${result.message}`);
  return result.workspace;
}

const refsOf = (origin: string): Promise<string> => git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks');
const filesOf = (origin: string, ref = `${REF}/1/work`): Promise<string> =>
  git(origin, 'ls-tree', '-r', '--name-only', ref);

describe('work that is stored on the way', () => {
  it('has what is committed and what is not, new files too, but for ignored ones; the agent sees nothing of it', async () => {
    const { target, origin } = await bareOrigin({ '.gitignore': '*.log\n', 'a.txt': 'a\n', 'c.txt': 'c\n' });
    const { room } = await newRoom();
    const workspace = await begun(room, target);
    const { worktree } = workspace;
    const own = await commitFiles(worktree, { 'b.txt': 'b\n' }, 'by the agent');
    await write(worktree, {
      'a.txt': 'changed\n',
      'deep/er/new.txt': 'new\n',
      'left.log': 'x',
      'run.sh': '#!/bin/sh\n',
    });
    await chmod(join(worktree, 'run.sh'), 0o755);
    await rm(join(worktree, 'c.txt'));
    await symlink('a.txt', join(worktree, 'link'));
    await git(worktree, 'add', 'a.txt');
    const status = await git(worktree, 'status', '--porcelain');
    const index = await git(worktree, 'ls-files', '--stage');
    const done = await onTheWay(room, target, workspace);
    expect(done).toMatchObject({ kind: 'stored', leftOut: [] });
    expect(await filesOf(origin)).toBe('.gitignore\na.txt\nb.txt\ndeep/er/new.txt\nlink\nrun.sh');
    expect(await git(origin, 'ls-tree', `${REF}/1/work`, 'link', 'run.sh')).toMatch(/^120000 .*\n100755 /);
    expect(await git(origin, 'show', `${REF}/1/work:a.txt`)).toBe('changed');
    expect(await head(origin, `${REF}/1/work^`)).toBe(own);
    expect(await git(worktree, 'status', '--porcelain')).toBe(status);
    expect(await git(worktree, 'ls-files', '--stage')).toBe(index);
    expect(await head(worktree)).toBe(own);
    expect(await git(origin, 'fsck', '--strict')).toBe('');
  });

  it('is pushed again only when something has changed, and follows what is taken back', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await begun(room, target);
    const marker = await head(origin, `${REF}/1/work`);
    expect(await onTheWay(room, target, workspace)).toEqual(UNCHANGED);
    expect(await head(origin, `${REF}/1/work`)).toBe(marker);
    await write(workspace.worktree, { 'b/c': 'b\n' });
    expect(await onTheWay(room, target, workspace)).toMatchObject({ kind: 'stored' });
    const first = await head(origin, `${REF}/1/work`);
    expect(await onTheWay(room, target, workspace)).toEqual(UNCHANGED);
    expect(await head(origin, `${REF}/1/work`)).toBe(first);
    await rm(join(workspace.worktree, 'b'), { recursive: true });
    await write(workspace.worktree, { b: 'a file where a folder was\n' });
    expect(await onTheWay(room, target, workspace)).toMatchObject({ kind: 'stored' });
    expect(await filesOf(origin)).toBe('a.txt\nb\ntasks.yaml');
    await write(workspace.taskDir, { 'result.md': 'so far' });
    expect(await onTheWay(room, target, workspace)).toMatchObject({ kind: 'stored' });
    expect(await git(origin, 'show', `${REF}/1/notes:result.md`)).toBe('so far');
    expect(await onTheWay(room, target, workspace)).toEqual(UNCHANGED);
  });

  it('goes with the push of what the attempt left', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await begun(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    await onTheWay(room, target, workspace);
    await stored(room, target, workspace);
    expect(await refsOf(origin)).toBe(`${REF}/1/head`);
  });

  it('keeps a file that the agent committed although it is ignored', async () => {
    const { target, origin } = await bareOrigin({ '.gitignore': '*.log\n' });
    const { room } = await newRoom();
    const workspace = await begun(room, target);
    await write(workspace.worktree, { 'kept.log': 'x', 'left.log': 'y' });
    await git(workspace.worktree, 'add', '-f', 'kept.log');
    await git(workspace.worktree, 'commit', '-qm', 'by the agent');
    await onTheWay(room, target, workspace);
    await write(workspace.worktree, { 'kept.log': 'more' });
    await onTheWay(room, target, workspace);
    expect(await filesOf(origin)).toBe('.gitignore\nkept.log');
    expect(await git(origin, 'show', `${REF}/1/work:kept.log`)).toBe('more');
  });

  it('leaves repositories, large files and what is no file out by name, and runs nothing of theirs', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const marker = join(await tempFolder('marker'), 'ran');
    const workspace = await begun(room, target);
    const nested = join(workspace.worktree, 'deep/sub');
    await mkdir(nested, { recursive: true });
    await git(nested, 'init', '-q');
    await commitFiles(nested, { '.gitattributes': '* filter=evil\n', f: 'x' });
    for (const key of ['filter.evil.clean', 'core.fsmonitor']) await git(nested, 'config', key, `touch ${marker}; cat`);
    await rm(marker, { force: true });
    await write(workspace.worktree, { 'b.txt': 'b\n', 'large.bin': '' });
    await truncate(join(workspace.worktree, 'large.bin'), 40 * 1024 * 1024);
    execFileSync('mkfifo', [join(workspace.worktree, 'pipe')]);
    expect(await onTheWay(room, target, workspace)).toMatchObject({
      kind: 'stored',
      leftOut: ['"deep/sub/"', '"large.bin"'],
    });
    expect(await filesOf(origin)).toBe('a.txt\nb.txt\ntasks.yaml');
    expect(existsSync(marker)).toBe(false);
  });

  it('takes in no file that lies where a link leads', async () => {
    const { target, origin } = await bareOrigin({ 'dir/f': 'mine\n' });
    const { room } = await newRoom();
    const elsewhere = await tempFolder('elsewhere');
    await write(elsewhere, { f: 'a secret of the host\n' });
    const workspace = await begun(room, target);
    await rm(join(workspace.worktree, 'dir'), { recursive: true });
    await symlink(elsewhere, join(workspace.worktree, 'dir'));
    await mkdir(join(workspace.taskDir), { recursive: true });
    await rm(join(workspace.taskDir, 'outputs'), { recursive: true, force: true });
    await symlink(elsewhere, join(workspace.taskDir, 'outputs'));
    expect(await onTheWay(room, target, workspace)).toMatchObject({ kind: 'stored' });
    expect(await git(origin, 'ls-tree', '-r', `${REF}/1/work`)).toMatch(/^120000 blob \w+\tdir$/);
    expect(await refsOf(origin)).toBe(`${REF}/1/work`);
  });

  it('is stored although the agent’s index is broken', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await begun(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    await writeFile(await git(workspace.worktree, 'rev-parse', '--git-path', 'index'), 'nothing');
    expect(await onTheWay(room, target, workspace)).toMatchObject({ kind: 'stored' });
    expect(await filesOf(origin)).toBe('a.txt\nb.txt\ntasks.yaml');
  });

  it('is not pushed when the scan finds a secret in it', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const scan = createScanner([{ name: 'KEY', value: 'correct horse battery' }]);
    const workspace = await begun(room, target);
    await write(workspace.worktree, { 'b.txt': 'it is correct horse battery\n' });
    expect(await room.storeUnfinished({ ...attemptOf(target, workspace), scan })).toMatchObject({
      kind: 'failed',
      failure: 'secret-found',
    });
    expect(await head(origin, `${REF}/1/work`)).toBe(first);
    await write(workspace.worktree, { 'b.txt': 'taken out\n' });
    expect(await room.storeUnfinished({ ...attemptOf(target, workspace), scan })).toMatchObject({ kind: 'stored' });
  });
});

describe('an attempt on another host, after one was lost', () => {
  it('has the lost one’s commits on its branch, its other changes in the worktree, and its notes', async () => {
    const { target, origin } = await bareOrigin();
    const [one, two] = [await newRoom(), await newRoom()];
    const lost = await begun(one.room, target);
    const own = await commitFiles(lost.worktree, { 'b.txt': 'b\n' }, 'by the agent');
    await write(lost.worktree, { 'half.txt': 'half' });
    await rm(join(lost.worktree, 'a.txt'));
    await write(lost.taskDir, { 'plan.md': 'the plan', 'outputs/deep/table': '1' });
    await onTheWay(one.room, target, lost);
    const next = await goesOn(two.room, target, 2);
    expect(next).toMatchObject({ start: own, base: lost.base, unfinished: { attempt: 1 } });
    expect(await head(next.worktree)).toBe(own);
    expect(await git(next.worktree, 'status', '--porcelain')).toBe('D  a.txt\nA  half.txt');
    expect(await readFile(join(next.worktree, 'half.txt'), 'utf8')).toBe('half');
    expect(await readFile(join(next.taskDir, 'plan.md'), 'utf8')).toBe('the plan');
    expect(await readFile(join(next.taskDir, 'outputs/deep/table'), 'utf8')).toBe('1');
    expect(await refsOf(origin)).toBe(`${REF}/2/notes\n${REF}/2/work`);
    expect(await onTheWay(two.room, target, next, 2)).toEqual(UNCHANGED);
    const checkpoint = await stored(two.room, target, next, 2);
    expect(checkpoint).toMatchObject({ base: lost.base, changed: true, attempt: 2 });
    expect(await head(origin, `${checkpoint.head}^`)).toBe(own);
    expect(await filesOf(origin, checkpoint.head)).toBe('b.txt\nhalf.txt\ntasks.yaml');
    expect(await refsOf(origin)).toBe(`${REF}/2/head\n${REF}/2/notes`);
  });

  it('has files as the lost one’s worktree had them, and stores them as attributes of the repository say', async () => {
    const attributes = '*.bat text eol=crlf\n*.u16 text working-tree-encoding=UTF-16LE\n*.id ident\n*.auto text=auto\n';
    const { target, origin } = await bareOrigin({ '.gitattributes': attributes, 'a.bat': 'one\n', 'a.id': '$Id$\n' });
    const [one, two] = [await newRoom(), await newRoom()];
    const lost = await begun(one.room, target);
    const worktree = {
      'a.bat': 'one\r\ntwo\r\n',
      'a.id': '$Id: of the agent$\nmore\n',
      'b.auto': 'one\r\n',
      'b.u16': Buffer.from('grüße\n', 'utf16le').toString('latin1'),
      'grüße.u16': Buffer.from('a\n', 'utf16le').toString('latin1'),
    };
    for (const [name, text] of Object.entries(worktree)) await writeFile(join(lost.worktree, name), text, 'latin1');
    await writeFile(join(lost.worktree, 'wrong.u16'), 'odd');
    expect(await onTheWay(one.room, target, lost)).toMatchObject({ kind: 'stored', leftOut: ['"wrong.u16"'] });
    expect(await onTheWay(one.room, target, lost)).toEqual({ kind: 'unchanged', leftOut: ['"wrong.u16"'] });
    const kept = (name: string) => git(origin, 'show', `${REF}/1/work:${name}`);
    expect(await Promise.all(Object.keys(worktree).map(kept))).toEqual(['one\ntwo', '$Id$\nmore', 'one', 'grüße', 'a']);
    const next = await goesOn(two.room, target, 2);
    for (const name of ['a.bat', 'b.auto', 'b.u16', 'grüße.u16'] as const)
      expect(await readFile(join(next.worktree, name), 'latin1')).toBe(worktree[name]);
    const { head: left } = await stored(two.room, target, next, 2);
    expect(await git(origin, 'show', `${left}:b.u16`)).toBe('grüße');
    expect(await git(origin, 'show', `${left}:a.bat`)).toBe('one\ntwo');
  });

  it('deletes nothing of what the lost one’s sparse checkout has left out', async () => {
    const { target, origin } = await bareOrigin({
      'a.txt': 'a\n',
      'c/d.txt': 'd\n',
      'c/e.txt': 'e\n',
      'f/g.txt': 'g\n',
    });
    const [one, two] = [await newRoom(), await newRoom()];
    const lost = await begun(one.room, target);
    await git(lost.worktree, 'sparse-checkout', 'set', 'f');
    await write(lost.worktree, { 'f/g.txt': 'changed\n', 'c/d.txt': 'changed\n' });
    await rm(join(lost.worktree, 'a.txt'));
    expect(await onTheWay(one.room, target, lost)).toMatchObject({ kind: 'stored' });
    const next = await goesOn(two.room, target, 2);
    const { head: left } = await stored(two.room, target, next, 2);
    expect(await git(origin, 'diff', '--name-status', 'main', left)).toBe('D\ta.txt\nM\tc/d.txt\nM\tf/g.txt');
  });

  it('is refused nothing, while the lost one can store no more: neither on the way nor at its end (N2)', async () => {
    const { target, origin } = await bareOrigin();
    const [one, two] = [await newRoom(), await newRoom()];
    const zombie = await begun(one.room, target);
    await write(zombie.worktree, { 'half.txt': 'half' });
    await onTheWay(one.room, target, zombie);
    const next = await goesOn(two.room, target, 2);
    await write(zombie.worktree, { 'half.txt': 'late' });
    expect(await onTheWay(one.room, target, zombie)).toEqual({ kind: 'taken-over' });
    expect(await one.room.storeWorkspace(storeRequest(target, zombie))).toMatchObject({
      kind: 'failed',
      failure: 'worker-lost',
      message: expect.stringContaining('nothing more of attempt 1 is stored'),
    });
    expect(await refsOf(origin)).toBe(`${REF}/2/work`);
    await stored(two.room, target, next, 2);
    expect(await git(origin, 'show', `${REF}/2/head:half.txt`)).toBe('half');
  });

  it('refuses the late push of one that had only begun, also when the task is over and its refs are gone', async () => {
    const { target, origin } = await bareOrigin();
    const [one, two] = [await newRoom(), await newRoom()];
    const zombie = await begun(one.room, target);
    const next = await goesOn(two.room, target, 2);
    expect(next).not.toHaveProperty('unfinished');
    await write(next.worktree, { 'b.txt': 'b\n' });
    await stored(two.room, target, next, 2);
    await two.room.deleteTaskRefs(target, [taskId]);
    await write(zombie.worktree, { 'b.txt': 'late\n' });
    expect(await one.room.storeWorkspace(storeRequest(target, zombie))).toMatchObject({ failure: 'worker-lost' });
    expect(await refsOf(origin)).toBe('');
  });

  it('goes on from what the lost one had stored at its end, when only its answer was lost', async () => {
    const { target, first } = await bareOrigin();
    const [one, two] = [await newRoom(), await newRoom()];
    const lost = await begun(one.room, target);
    await write(lost.worktree, { 'b.txt': 'b\n' });
    const checkpoint = await stored(one.room, target, lost);
    const next = await goesOn(two.room, target, 2);
    expect(next).toMatchObject({ base: first, start: checkpoint.head, unfinished: { attempt: 1 } });
    expect(await git(next.worktree, 'status', '--porcelain')).toBe('');
    expect(await stored(two.room, target, next, 2)).toEqual({ ...checkpoint, attempt: 2 });
  });

  it('has the agent’s session beside the task folder, as the lost one stored it last, and hands it on', async () => {
    const { target, origin } = await bareOrigin();
    const [one, two] = [await newRoom(), await newRoom()];
    const lost = await begun(one.room, target);
    for (const text of ['so', 'so far']) {
      const session = Buffer.from(text);
      const done = await one.room.storeUnfinished({ ...attemptOf(target, lost), session });
      expect(done).toMatchObject({ kind: 'stored' });
    }
    const next = await goesOn(two.room, target, 2);
    expect(await readFile(next.sessionFile, 'utf8')).toBe('so far');
    expect(existsSync(join(next.taskDir, 'session.jsonl'))).toBe(false);
    await write(next.worktree, { 'b.txt': 'b\n' });
    await stored(two.room, target, next, 2);
    expect(await git(origin, 'show', `${REF}/2/notes:session.jsonl`)).toBe('so far');
    expect(existsSync((await prepared(two.room, target, 3)).sessionFile)).toBe(false);
  });

  it('refuses another worker of the same host as well, which has the same refs', async () => {
    const { target, origin } = await bareOrigin();
    const { room, home } = await newRoom();
    const zombie = await begun(room, target);
    await write(zombie.worktree, { 'half.txt': 'half' });
    expect(await room.storeUnfinished({ ...attemptOf(target, zombie), hasRef: true })).toMatchObject({
      kind: 'stored',
    });
    const other = await newRoom(home);
    await goesOn(other.room, target, 2);
    await write(zombie.worktree, { 'half.txt': 'late' });
    expect(await room.storeUnfinished({ ...attemptOf(target, zombie), hasRef: true })).toEqual({ kind: 'taken-over' });
    const late = await room.storeWorkspace({ ...storeRequest(target, zombie), hasRef: true });
    expect(late).toMatchObject({ failure: 'worker-lost' });
    expect(await refsOf(origin)).toBe(`${REF}/2/work`);
  });

  it('passes it on when it is lost itself before it has stored anything', async () => {
    const { target, origin } = await bareOrigin();
    const rooms = [await newRoom(), await newRoom(), await newRoom()] as const;
    const lost = await begun(rooms[0].room, target);
    await write(lost.worktree, { 'half.txt': 'half' });
    await onTheWay(rooms[0].room, target, lost);
    await goesOn(rooms[1].room, target, 2);
    const third = await goesOn(rooms[2].room, target, 3);
    expect(third).toMatchObject({ unfinished: { attempt: 2 } });
    expect(await readFile(join(third.worktree, 'half.txt'), 'utf8')).toBe('half');
    expect(await refsOf(origin)).toBe(`${REF}/3/work`);
  });

  it('finds it again when the answer to its own push was lost', async () => {
    const { target, origin } = await bareOrigin();
    const [one, two, three] = [await newRoom(), await newRoom(), await newRoom()];
    const lost = await begun(one.room, target);
    await write(lost.worktree, { 'half.txt': 'half' });
    await onTheWay(one.room, target, lost);
    await goesOn(two.room, target, 2);
    const again = await goesOn(three.room, target, 2);
    expect(again).toMatchObject({ unfinished: { attempt: 1 } });
    expect(await readFile(join(again.worktree, 'half.txt'), 'utf8')).toBe('half');
    expect(await refsOf(origin)).toBe(`${REF}/2/work`);
    expect(await stored(three.room, target, again, 2)).toMatchObject({ changed: true });
  });

  it('of a shell command begins anew, and the lost one stores nothing all the same', async () => {
    const { target, origin, first } = await bareOrigin();
    const [one, two] = [await newRoom(), await newRoom()];
    const zombie = await begun(one.room, target);
    await write(zombie.worktree, { 'half.txt': 'half' });
    await onTheWay(one.room, target, zombie);
    const next = await goesOn(two.room, target, 2, false);
    expect(next).toMatchObject({ start: first });
    expect(existsSync(join(next.worktree, 'half.txt'))).toBe(false);
    expect(await refsOf(origin)).toBe('');
    expect(await one.room.storeWorkspace(storeRequest(target, zombie))).toMatchObject({ failure: 'worker-lost' });
  });

  it('keeps looking for the conflict markers that the lost one was given', async () => {
    const { target, person } = await bareOrigin();
    const [one, two] = [await newRoom(), await newRoom()];
    const work = await prepared(one.room, target);
    await write(work.worktree, { 'a.txt': 'agent\n' });
    const checkpoint = await stored(one.room, target, work);
    await commitFiles(person, { 'a.txt': 'person\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    const start = { kind: 'revision', checkpoint } as const;
    const lost = await prepared(one.room, target, 2, start);
    expect(await one.room.beginAttempt(attemptOf(target, lost, 2))).toBeNull();
    await write(lost.worktree, { 'b.txt': 'b\n' });
    expect(await onTheWay(one.room, target, lost, 2)).toMatchObject({ kind: 'stored' });
    const unfinished = { attempts: [2], goOn: true };
    const result = await two.room.prepareWorkspace({ ...target, taskId, attempt: 3, start, unfinished });
    if (result.kind === 'failed') throw new Error(result.message);
    expect(result.workspace).toMatchObject({ conflicted: ['a.txt'], start: lost.start, base: lost.base });
    expect(await two.room.storeWorkspace(storeRequest(target, result.workspace, 3))).toMatchObject({
      failure: 'conflict-markers',
    });
    await writeFile(join(result.workspace.worktree, 'a.txt'), 'both\n');
    expect(await stored(two.room, target, result.workspace, 3)).toMatchObject({ base: lost.base, changed: true });
  });
});
