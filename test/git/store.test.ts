/** Storing what an agent left: what is taken, and where it is pushed. */

import { describe, expect, it } from '@jest/globals';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  author,
  bareOrigin,
  commitFiles,
  confine,
  git,
  head,
  newRoom,
  prepared,
  stored,
  storeRequest,
  taskId,
  write,
} from '../support/git-rig.ts';

describe('storing a workspace', () => {
  it('commits what was left uncommitted and pushes it as the refs of the attempt', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    await rm(join(workspace.worktree, 'a.txt'));
    await write(workspace.taskDir, { 'result.md': 'done' });
    const checkpoint = await stored(room, target, workspace);
    expect(checkpoint).toMatchObject({ base: first, attempt: 1, changed: true });
    expect(await git(origin, 'for-each-ref', '--format=%(refname) %(objectname)', 'refs/tasks')).toBe(
      `refs/tasks/${taskId}/1/head ${checkpoint.head}\nrefs/tasks/${taskId}/1/notes ${await head(origin, `refs/tasks/${taskId}/1/notes`)}`,
    );
    expect(await git(origin, 'show', '-s', '--format=%an|%cn|%ce|%P|%s', checkpoint.head)).toBe(
      `${author.name}|Tributary|tributary@localhost|${first}|Attempt 1`,
    );
    expect(await git(origin, 'ls-tree', '-r', '--name-only', checkpoint.head)).toBe('b.txt\ntasks.yaml');
    expect(await git(origin, 'show', `refs/tasks/${taskId}/1/notes:result.md`)).toBe('done');
    expect(await git(workspace.worktree, 'status', '--porcelain')).toBe('');
    expect(await head(origin, 'main')).toBe(first);
    expect(await git(origin, 'fsck', '--strict')).toBe('');
  });

  // Only held git cannot touch the objects that are there.
  (confine === null ? it.skip : it)(
    'writes no object again that came with the checkout, whatever git thinks of its files',
    async () => {
      const { target } = await bareOrigin({ 'a.txt': 'a\n', 'b.txt': 'b\n' });
      const { room, home } = await newRoom();
      const { worktree, ...workspace } = await prepared(room, target);
      const [mirror = ''] = (await readdir(join(home, 'mirrors'))).filter((name) => name.endsWith('.git'));
      const objects = join(home, 'mirrors', mirror, 'objects');
      await git(join(home, 'mirrors', mirror), 'repack', '-adq');
      // As git sees them: others than it has checked out.
      for (const name of ['a.txt', 'b.txt']) await utimes(join(worktree, name), 1, 1);
      await write(worktree, { 'c.txt': 'c\n' });
      await stored(room, target, { worktree, ...workspace });
      const isLoose = async (name: string): Promise<boolean> => {
        const id = await git(worktree, 'hash-object', name);
        return existsSync(join(objects, id.slice(0, 2), id.slice(2)));
      };
      expect(await Promise.all(['a.txt', 'b.txt', 'c.txt'].map(isLoose))).toEqual([false, false, true]);
    },
  );

  it('takes the commits of an agent and adds one for the rest', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const own = await commitFiles(workspace.worktree, { 'b.txt': 'b\n' }, 'by the agent');
    await write(workspace.worktree, { 'c.txt': 'c\n' });
    const checkpoint = await stored(room, target, workspace);
    expect(await head(origin, `${checkpoint.head}^`)).toBe(own);
  });

  it('keeps a file that an agent committed although it is ignored', async () => {
    const { target, origin } = await bareOrigin({ '.gitignore': '*.log\n' });
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'kept.log': 'x', 'left.log': 'y' });
    await git(workspace.worktree, 'add', '-f', 'kept.log');
    await git(workspace.worktree, 'commit', '-qm', 'by the agent');
    const checkpoint = await stored(room, target, workspace);
    expect(await git(origin, 'ls-tree', '-r', '--name-only', checkpoint.head)).toBe('.gitignore\nkept.log');
  });

  it('returns the checkpoint that it has when nothing changed, and pushes nothing', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const checkpoint = await stored(room, target, await prepared(room, target));
    expect(checkpoint).toEqual({ base: first, head: first, attempt: 1, changed: false });
    const again = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(await stored(room, target, again, 2)).toEqual(checkpoint);
    expect(await git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks')).toBe('');
  });

  it('stores what may be handed off as the attempt’s own though nothing has changed since the last, unless it changes nothing', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const begun = await stored(room, target, await prepared(room, target));
    const again = async (attempt: number, checkpoint: typeof begun) => {
      const workspace = await prepared(room, target, attempt, { kind: 'checkpoint', checkpoint });
      return room.storeWorkspace({ ...storeRequest(target, workspace, attempt), anew: true });
    };
    expect(await again(2, begun)).toEqual({ kind: 'stored', checkpoint: begun });
    const workspace = await prepared(room, target, 3, { kind: 'checkpoint', checkpoint: begun });
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    await write(workspace.taskDir, { 'report.json': '{}' });
    const checkpoint = await stored(room, target, workspace, 3);
    expect(await again(4, checkpoint)).toEqual({ kind: 'stored', checkpoint: { ...checkpoint, attempt: 4 } });
    expect(await head(origin, `refs/tasks/${taskId}/4/head`)).toBe(checkpoint.head);
    expect(await git(origin, 'show', `refs/tasks/${taskId}/4/notes:report.json`)).toBe('{}');
  });

  it('pushes the notes alone when nothing else changed, and another host finds them with the base', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.taskDir, { 'understanding.md': 'understood' });
    const checkpoint = await stored(room, target, workspace);
    expect(checkpoint).toEqual({ base: first, head: first, attempt: 1, changed: false });
    expect(await git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks')).toBe(`refs/tasks/${taskId}/1/notes`);
    const two = await newRoom();
    const again = await prepared(two.room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(await head(again.worktree)).toBe(first);
    expect(await readFile(join(again.taskDir, 'understanding.md'), 'utf8')).toBe('understood');
    await write(again.taskDir, { 'plan.md': 'planned' });
    expect(await stored(two.room, target, again, 2)).toEqual({ ...checkpoint, attempt: 2 });
    expect(await git(origin, 'ls-tree', '-r', '--name-only', `refs/tasks/${taskId}/2/notes`)).toBe(
      'plan.md\nunderstanding.md',
    );
  });

  it('writes over the branch that an earlier try of the attempt pushed when a later one changed nothing', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'b.txt': 'b\n' });
    await stored(room, target, workspace);
    const checkpoint = await stored(room, target, await prepared(room, target));
    expect(checkpoint).toEqual({ base: first, head: first, attempt: 1, changed: false });
    expect(await head(origin, `refs/tasks/${taskId}/1/head`)).toBe(first);
  });

  it('sees a change of the same size made within the same tick of the clock', async () => {
    const { target } = await bareOrigin({ 'a.txt': 'aaaa\n' });
    const { room } = await newRoom();
    for (let round = 1; round <= 5; round += 1) {
      const workspace = await prepared(room, target, round);
      await writeFile(join(workspace.worktree, 'a.txt'), `bbb${round}\n`);
      expect(await stored(room, target, workspace, round)).toMatchObject({ changed: true });
    }
  });

  it('stores again what the same attempt stored before, and refuses to write over another host', async () => {
    const { target } = await bareOrigin();
    const one = await newRoom();
    const two = await newRoom();
    const here = await prepared(one.room, target);
    await write(here.worktree, { 'b.txt': 'b\n' });
    await stored(one.room, target, here);
    await write(here.worktree, { 'b.txt': 'more\n' });
    const second = await stored(one.room, target, here);
    const there = await prepared(two.room, target);
    await write(there.worktree, { 'b.txt': 'stale host\n' });
    expect(await two.room.storeWorkspace(storeRequest(target, there))).toMatchObject({
      kind: 'failed',
      failure: 'engine-error',
    });
    expect(await head(target.origin, `refs/tasks/${taskId}/1/head`)).toBe(second.head);
  });

  it('deletes the refs of attempts that are confirmed to be needed no more, also when they are gone already', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    let workspace = await prepared(room, target);
    for (const attempt of [1, 2, 3]) {
      await write(workspace.worktree, { 'b.txt': `${attempt}\n` });
      if (attempt === 3) await git(origin, 'update-ref', '-d', `refs/tasks/${taskId}/1/head`);
      const result = await room.storeWorkspace({
        ...storeRequest(target, workspace, attempt),
        confirmedAttempt: attempt === 3 ? 2 : null,
      });
      if (result.kind === 'failed') throw new Error(result.message);
      workspace = await prepared(room, target, attempt + 1, { kind: 'checkpoint', checkpoint: result.checkpoint });
    }
    expect(await git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks')).toBe(
      `refs/tasks/${taskId}/2/head\nrefs/tasks/${taskId}/3/head`,
    );
  });

  it('takes files with odd names, links and bytes', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    const names = ['-rf', 'new\nline', 'right\u202Eto-left', ' space ', 'quote"\'', 'ümlaut'];
    for (const name of names) await writeFile(join(workspace.worktree, name), name);
    await writeFile(Buffer.concat([Buffer.from(`${workspace.worktree}/bytes`), Buffer.from([0xff, 0xfe])]), 'x');
    await symlink('/etc/passwd', join(workspace.worktree, 'link'));
    const checkpoint = await stored(room, target, workspace);
    const listed = await git(origin, 'ls-tree', '-r', '-z', '--name-only', checkpoint.head);
    for (const name of names) expect(listed.split('\0').map((path) => path.trim())).toContain(name.trim());
    expect(await git(origin, 'ls-tree', checkpoint.head, 'link')).toMatch(/^120000 /);
    const two = await newRoom();
    const again = await prepared(two.room, target, 2, { kind: 'checkpoint', checkpoint });
    expect(await git(again.worktree, 'status', '--porcelain')).toBe('');
  });

  it('keeps of the task folder only plain, bounded artifacts', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.taskDir, {
      'outputs/ok.txt': 'ok',
      'outputs/big.bin': 'x'.repeat(300 * 1024),
      'other.txt': 'no',
    });
    await symlink('/etc/passwd', join(workspace.taskDir, 'plan.md'));
    await symlink('/etc', join(workspace.taskDir, 'outputs/etc'));
    await stored(room, target, workspace);
    expect(await git(origin, 'ls-tree', '-r', '--name-only', `refs/tasks/${taskId}/1/notes`)).toBe('outputs/ok.txt');
  });

  it('looks for artifacts in no more than a thousand folders', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.taskDir, { 'outputs/a/early.txt': 'e', 'outputs/z/late.txt': 'l' });
    for (let at = 0; at < 1_000; at += 1) await mkdir(join(workspace.taskDir, `outputs/empty-${at}`));
    await stored(room, target, workspace);
    const notes = await git(origin, 'ls-tree', '-r', '--name-only', `refs/tasks/${taskId}/1/notes`);
    expect(notes).toBe('outputs/a/early.txt');
  });
});
