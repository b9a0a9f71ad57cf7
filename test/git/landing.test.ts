/** Landing: what moves main, and what is never done. */

import { describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, readFile, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  bareOrigin,
  branch,
  built,
  checkedOutOrigin,
  commitFiles,
  git,
  head,
  itemOf,
  newRoom,
  otherTaskId,
  prepared,
  project,
  stored,
  taskId,
  TASKS_YAML,
  worked,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

describe('landing on a bare origin', () => {
  it('reports a main that has moved and leaves it alone', async () => {
    const { target, person, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const moved = await commitFiles(person, { 'c.txt': 'c\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await room.land(target, item, candidate)).toEqual({ kind: 'moved' });
    expect(await head(origin, 'main')).toBe(moved);
    expect(await head(origin, `refs/tasks/${taskId}/1/head`)).toBe(item.head);
    const next = await built(room, target, item);
    expect(await room.land(target, item, next)).toMatchObject({ kind: 'landed', landing: { main: moved } });
  });

  it('lands when the ref of the task is gone already, and lands once when asked twice at the same time', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    await git(origin, 'update-ref', '-d', `refs/tasks/${taskId}/1/head`);
    const both = await Promise.all([room.land(target, item, candidate), room.land(target, item, candidate)]);
    expect(both.map((result) => result.kind)).toEqual(['landed', 'landed']);
    expect(await git(origin, 'rev-list', '--count', '--first-parent', 'main')).toBe('2');
  });

  it('lets one of two tasks win', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const other = await newRoom();
    const one = await worked(room, target, { 'b.txt': 'b\n' });
    const two = await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId);
    const candidates = await Promise.all([built(room, target, one), built(other.room, target, two)]);
    const results = await Promise.all([
      room.land(target, one, candidates[0]),
      other.room.land(target, two, candidates[1]),
    ]);
    expect(results.map((result) => result.kind).sort()).toEqual(['landed', 'moved']);
    expect(await git(origin, 'rev-list', '--count', '--first-parent', 'main')).toBe('2');
  });

  it('says that the branch is protected, in the words of the server that refuses and with the fix', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const hook = join(origin, 'hooks/pre-receive');
    await write(origin, { 'hooks/pre-receive': '#!/bin/sh\necho "main is protected: ask Ada" >&2\nexit 1\n' });
    await chmod(hook, 0o755);
    const refused = await room.land(target, item, candidate);
    expect(refused).toMatchObject({
      kind: 'protected',
      text: expect.stringContaining(
        'lets nobody push to main: "pre-receive hook declined": main is protected: ask Ada',
      ),
    });
    expect(refused).toMatchObject({
      text: expect.stringContaining(`then: tasks queue resume --project ${target.project}`),
    });
    expect(await head(origin, 'main')).toBe(first);
    expect(await head(origin, `refs/tasks/${taskId}/1/head`)).toBe(item.head);
    await rm(hook);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
  });

  it('passes on the words of a server that refuses just this commit', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const words = 'error: GH001: Large files detected.';
    await write(origin, { 'hooks/pre-receive': `#!/bin/sh\necho "${words}" >&2\nexit 1\n` });
    await chmod(join(origin, 'hooks/pre-receive'), 0o755);
    expect(await room.land(target, item, candidate)).toMatchObject({
      kind: 'refused',
      failure: { kind: 'landing-refused', message: expect.stringContaining(words) },
    });
    expect(await head(origin, 'main')).toBe(first);
  });

  it('waits while another git has the branch locked, and goes over a lock that a dead one left', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    const lock = join(origin, 'refs/heads/main.lock');
    await writeFile(lock, '');
    expect(await room.land(target, item, candidate)).toMatchObject({
      kind: 'held',
      why: 'origin',
      text: expect.stringContaining('another git command is at work'),
    });
    expect(await head(origin, 'main')).toBe(first);
    const old = Date.now() / 1000 - 60;
    await utimes(lock, old, old);
    // As long as a git is at work there, it may be its lock.
    const atWork = spawn('git', ['cat-file', '--batch'], { cwd: origin, stdio: ['pipe', 'ignore', 'ignore'] });
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'held', why: 'origin' });
    atWork.stdin.end();
    await once(atWork, 'exit');
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(existsSync(lock)).toBe(false);
  });

  it('waits for an origin that went away', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    await rename(origin, `${origin}.away`);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'held', why: 'origin' });
  });
});

describe('landing on a checked-out origin', () => {
  it('moves the branch and its files together', async () => {
    const { target, origin } = await checkedOutOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'a.txt': 'changed\n', 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(await head(origin)).toBe(candidate.commit);
    expect(await readFile(join(origin, 'a.txt'), 'utf8')).toBe('changed\n');
    expect(await git(origin, 'status', '--porcelain')).toBe('');
  });

  it('does so also where the origin is named by its .git folder', async () => {
    const { target, origin } = await checkedOutOrigin();
    const { room } = await newRoom();
    const named = { ...target, origin: join(origin, '.git') };
    const item = await worked(room, named, { 'b.txt': 'b\n' });
    const candidate = await built(room, named, item);
    expect(await room.land(named, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(await head(origin)).toBe(candidate.commit);
    expect(await readFile(join(origin, 'b.txt'), 'utf8')).toBe('b\n');
  });

  it('runs no hook of the checkout', async () => {
    const { target, origin } = await checkedOutOrigin();
    const { room } = await newRoom();
    const marker = join(await tempFolder('marker'), 'ran');
    for (const hook of ['push-to-checkout', 'pre-receive', 'post-receive', 'post-checkout', 'update']) {
      await write(origin, { [`.git/hooks/${hook}`]: `#!/bin/sh\ntouch ${marker}\n` });
      await chmod(join(origin, '.git/hooks', hook), 0o755);
    }
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await rm(marker, { force: true });
    expect(await room.land(target, item, await built(room, target, item))).toMatchObject({ kind: 'landed' });
    expect(existsSync(marker)).toBe(false);
  });

  it('waits while it has changes, names them, and lands when they are gone', async () => {
    const { target, origin, first } = await checkedOutOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    await write(origin, { 'a.txt': 'being edited\n' });
    const held = await room.land(target, item, candidate);
    expect(held).toMatchObject({ kind: 'held', why: 'checkout', text: expect.stringContaining('a.txt') });
    expect(held).toMatchObject({ text: expect.stringContaining('commit or stash') });
    expect(held).toMatchObject({ text: expect.stringContaining(origin) });
    expect(await head(origin)).toBe(first);
    expect(await readFile(join(origin, 'a.txt'), 'utf8')).toBe('being edited\n');
    await git(origin, 'checkout', '-q', '--', 'a.txt');
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
  });

  it.each([
    ['an untracked file', { '.gitignore': '' }],
    ['an ignored file', { '.gitignore': 'b.txt\n' }],
  ])('never writes over %s', async (_, files) => {
    const { target, origin, first } = await checkedOutOrigin({ ...files, 'tasks.yaml': TASKS_YAML });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'of the task\n' });
    await git(workspace.worktree, 'add', '-f', 'b.txt');
    await git(workspace.worktree, 'commit', '-qm', 'x');
    const item = itemOf(await stored(room, target, workspace));
    const candidate = await built(room, target, item);
    await write(origin, { 'b.txt': 'of the person\n' });
    expect(await room.land(target, item, candidate)).toMatchObject({
      kind: 'held',
      why: 'checkout',
      text: expect.stringContaining('b.txt'),
    });
    expect(await readFile(join(origin, 'b.txt'), 'utf8')).toBe('of the person\n');
    expect(await head(origin)).toBe(first);
  });

  it.each([
    ['a file where a folder has to be', { 'dir/x.txt': 'x' }, { dir: 'of the person' }, 'dir'],
    ['a folder where a file has to be', { thing: 'x' }, { 'thing/mine': 'of the person' }, 'thing/mine'],
  ])('never removes an ignored %s', async (_, files, persons, kept) => {
    const { target, origin } = await checkedOutOrigin({ '.gitignore': '/dir\n/thing\n', 'tasks.yaml': TASKS_YAML });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, files);
    await git(workspace.worktree, 'add', '-f', '.');
    await git(workspace.worktree, 'commit', '-qm', 'x');
    const item = itemOf(await stored(room, target, workspace));
    const candidate = await built(room, target, item);
    await write(origin, persons);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'held', why: 'checkout' });
    expect(await readFile(join(origin, kept), 'utf8')).toBe('of the person');
  });

  it('lands beside untracked files that are not in the way', async () => {
    const { target, origin } = await checkedOutOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    await write(origin, { 'mine.txt': 'mine' });
    expect(await room.land(target, item, await built(room, target, item))).toMatchObject({ kind: 'landed' });
    expect(await readFile(join(origin, 'mine.txt'), 'utf8')).toBe('mine');
  });

  it.each(['rebased', 'bisected'])('waits while the branch is being %s, and lands when that is over', async (how) => {
    const { target, origin, first } = await checkedOutOrigin();
    for (const content of ['2', '3', '4']) await commitFiles(origin, { 'a.txt': content });
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    if (how === 'bisected') await git(origin, 'bisect', 'start', 'main', first);
    else await git(origin, '-c', 'sequence.editor=sed -i 1s/pick/edit/', 'rebase', '-q', '-i', first);
    const text = expect.stringContaining(`main is being rebased or bisected in ${origin}`);
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'held', why: 'checkout', text });
    expect(await head(origin, 'main')).toBe(candidate.main);
    await git(origin, ...(how === 'bisected' ? ['bisect', 'reset'] : ['rebase', '--abort']));
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(await git(origin, 'status', '--porcelain')).toBe('');
  });

  it.each(['checkout', 'git folder'])(
    'waits where the git folder is elsewhere, which is named, by its %s',
    async (name) => {
      const folder = await tempFolder('apart');
      const [checkout, apart] = [join(folder, 'checkout'), join(folder, 'apart')];
      await git('/', 'init', '-q', '-b', 'main', `--separate-git-dir=${apart}`, checkout);
      const first = await commitFiles(checkout, { 'tasks.yaml': TASKS_YAML }, 'first');
      const target = { project, branch, origin: name === 'checkout' ? checkout : apart };
      const { room } = await newRoom();
      const item = await worked(room, target, { 'b.txt': 'b\n' });
      const candidate = await built(room, target, item);
      const text = expect.stringContaining(
        `main is checked out by a worktree whose git folder is elsewhere (${apart}, as`,
      );
      expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'held', why: 'checkout', text });
      expect(await head(checkout, 'main')).toBe(first);
      await git(checkout, 'switch', '-q', '--detach');
      expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
      expect(await git(checkout, 'status', '--porcelain')).toBe('');
    },
  );

  it('moves a branch that a linked worktree has checked out, and one that nobody has', async () => {
    const { target, origin } = await checkedOutOrigin();
    const linked = join(await tempFolder('linked'), 'wt');
    await git(origin, 'checkout', '-q', '-b', 'elsewhere');
    const { room } = await newRoom();
    const one = await worked(room, target, { 'b.txt': 'b\n' });
    expect(await room.land(target, one, await built(room, target, one))).toMatchObject({ kind: 'landed' });
    expect(existsSync(join(origin, 'b.txt'))).toBe(false);
    await git(origin, 'worktree', 'add', '-q', linked, 'main');
    const two = await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId);
    expect(await room.land(target, two, await built(room, target, two))).toMatchObject({ kind: 'landed' });
    expect(await readFile(join(linked, 'c.txt'), 'utf8')).toBe('c\n');
    expect(await git(linked, 'status', '--porcelain')).toBe('');
  });
});
