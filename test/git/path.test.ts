/** One task's path through the git room: workspace, checkpoint, candidate, gate, landing. */

import { describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createGitRoom } from '../../src/git/room.ts';
import {
  TASKS_YAML,
  author,
  bareOrigin,
  branch,
  built,
  commitFiles,
  git,
  head,
  itemOf,
  newRoom,
  otherTaskId,
  prepared,
  project,
  readGate,
  stored,
  taskId,
  worked,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

describe('the path of a task', () => {
  it('lands what an agent left uncommitted, with trailers, parents and the tested tree', async () => {
    const { target, origin, first } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'new\n' });
    const candidate = await built(room, target, item);
    const gate = await room.gateWorktree(target, item, candidate);
    expect(await readFile(join(gate.path, 'b.txt'), 'utf8')).toBe('new\n');
    expect(gate.needsSetup).toBe(false);
    await gate.release();
    const result = await room.land(target, item, candidate);
    expect(result).toEqual({
      kind: 'landed',
      landing: { commit: candidate.commit, tree: candidate.tree, main: first, attempt: 1, gateHash: 'f'.repeat(16) },
    });
    expect(await head(origin, 'main')).toBe(candidate.commit);
    expect(await git(origin, 'rev-parse', 'main^1', 'main^2')).toBe(`${first}\n${item.head}`);
    const body = await git(origin, 'log', '-1', '--format=%an <%ae>|%cn|%at|%B', 'main');
    expect(body).toBe(
      `${author.name} <${author.email}>|Tributary|1700000000|Change a file\n\nIt was asked for.\n\nTask-Id: ${taskId}\nTask-Attempt: 1\nGate-Hash: ffffffffffffffff\nTributary-Project: demo`,
    );
    expect(await git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks')).toBe('');
    expect(await git(origin, 'fsck', '--strict')).toBe('');
  });

  it('finds a landing again after a crash, also when main went on', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'new\n' });
    const candidate = await built(room, target, item);
    await room.land(target, item, candidate);
    await git(person, 'pull', '-q', 'origin', 'main');
    await commitFiles(person, { 'c.txt': 'later\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    const again = await newRoom();
    expect(await again.room.buildCandidate(target, item, readGate)).toMatchObject({
      kind: 'landed',
      landing: { commit: candidate.commit, main: candidate.main, attempt: 1, gateHash: 'f'.repeat(16) },
    });
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
  });

  it('takes with the landing what else the task has on the origin, and nothing of another task', async () => {
    const { target, origin } = await bareOrigin();
    const { room } = await newRoom();
    const other = await worked(room, target, { 'c.txt': 'c\n' }, otherTaskId);
    const workspace = await prepared(room, target);
    await write(workspace.taskDir, { 'plan.md': 'planned' });
    const planned = await stored(room, target, workspace);
    await git(origin, 'pack-refs', '--all');
    const again = await prepared(room, target, 2, { kind: 'checkpoint', checkpoint: planned });
    await write(again.worktree, { 'b.txt': 'b\n' });
    await write(again.taskDir, { 'result.md': 'done' });
    const item = itemOf(await stored(room, target, again, 2));
    expect(await room.land(target, item, await built(room, target, item))).toMatchObject({ kind: 'landed' });
    expect(await git(origin, 'for-each-ref', '--format=%(refname) %(objectname)', 'refs/tasks')).toBe(
      `refs/tasks/${otherTaskId}/1/head ${other.head}`,
    );
  });

  it('gives the next task what has just landed, and what a person pushed since', async () => {
    const { target, person } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'new\n' });
    const candidate = await built(room, target, item);
    await (await room.gateWorktree(target, item, candidate)).release();
    await room.land(target, item, candidate);
    const next = await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
    expect(next.base).toBe(candidate.commit);
    expect(await readFile(join(next.worktree, 'b.txt'), 'utf8')).toBe('new\n');
    expect(await git(next.worktree, 'rev-parse', 'origin/main')).toBe(candidate.commit);
    expect(await git(next.worktree, 'fsck', '--connectivity-only')).not.toContain('missing');
    await git(person, 'pull', '-q', 'origin', 'main');
    const pushed = await commitFiles(person, { 'c.txt': 'later\n' });
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await prepared(room, target, 2, { kind: 'main' }, otherTaskId)).toMatchObject({ base: pushed });
  });

  it('builds the same candidate in another home', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'new\n' });
    const other = await newRoom();
    expect(await built(other.room, target, item)).toEqual(await built(room, target, item));
  });
});

describe('an origin of another kind', () => {
  it('may be somewhere that only git can reach: asked by git, and cleaned up for many tasks at once', async () => {
    const { origin, first } = await bareOrigin();
    const decoy = (await bareOrigin()).origin;
    const home = await tempFolder('home');
    const config = join(home, 'gitconfig');
    // The second name is a folder here, and the person's settings send it elsewhere all the same.
    await writeFile(config, `[url "${origin}"]\n\tinsteadOf = https://git.invalid/demo.git\n\tinsteadOf = ${decoy}\n`);
    const room = createGitRoom({
      home,
      worker: 'test',
      processHome: home,
      personal: { env: { GIT_CONFIG_GLOBAL: config } },
    });
    const before = await git(decoy, 'for-each-ref');
    for (const [name, id] of [
      ['https://git.invalid/demo.git', taskId],
      [decoy, otherTaskId],
    ] as const) {
      const target = { project, branch, origin: name };
      const main = await head(origin, 'main');
      const item = await worked(room, target, { [`${id}.txt`]: 'new\n' }, id);
      expect(item.base).toBe(main);
      const candidate = await built(room, target, item);
      expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
      expect(await head(origin, 'main')).toBe(candidate.commit);
      expect(await git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks')).not.toContain('/head');
      await git(origin, 'update-ref', `refs/tasks/${id}/1/notes`, first);
    }
    const kept = 'refs/tasks/zzzzzzzzzz/1/notes';
    await git(origin, 'update-ref', kept, first);
    await room.deleteTaskRefs({ project, branch, origin: decoy }, [taskId, otherTaskId]);
    expect(await git(origin, 'for-each-ref', '--format=%(refname)', 'refs/tasks')).toBe(kept);
    expect(await git(decoy, 'for-each-ref')).toBe(before);
  });

  it('may use SHA-256', async () => {
    const folder = await tempFolder('sha256');
    const origin = join(folder, 'repo');
    await git('/', 'init', '-q', '-b', 'main', '--object-format=sha256', origin);
    await commitFiles(origin, { 'a.txt': 'a\n', 'tasks.yaml': TASKS_YAML });
    const target = { project, branch, origin };
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'b\n' });
    const candidate = await built(room, target, item);
    expect(candidate.commit).toHaveLength(64);
    await (await room.gateWorktree(target, item, candidate)).release();
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    expect(await head(origin)).toBe(candidate.commit);
  });

  it('may be checked out with the line endings and filters of the person', async () => {
    const folder = await tempFolder('filters');
    const origin = join(folder, 'repo');
    await git('/', 'init', '-q', '-b', 'main', origin);
    await commitFiles(origin, { '.gitattributes': '*.big filter=up\n', 'tasks.yaml': TASKS_YAML });
    const target = { project, branch, origin };
    const home = await tempFolder('home');
    await writeFile(
      join(home, '.gitconfig'),
      '[filter "up"]\n\tclean = tr A-Z a-z\n\tsmudge = tr a-z A-Z\n\trequired = true\n',
    );
    const { room } = await newRoom(home);
    const item = await worked(room, target, { 'x.big': 'lower\n' });
    expect(await room.land(target, item, await built(room, target, item))).toMatchObject({ kind: 'landed' });
    expect(await readFile(join(origin, 'x.big'), 'utf8')).toBe('LOWER\n');
    const next = await worked(room, target, { 'y.big': 'lower\n' }, otherTaskId);
    expect(await room.land(target, next, await built(room, target, next))).toMatchObject({ kind: 'landed' });
  });
});
