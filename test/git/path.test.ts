/** One task's path through the git room: workspace, checkpoint, candidate, gate, landing. */

import { describe, expect, it } from '@jest/globals';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  TASKS_YAML,
  author,
  bareOrigin,
  branch,
  built,
  commitFiles,
  git,
  head,
  newRoom,
  otherTaskId,
  project,
  readGate,
  taskId,
  worked,
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

  it('builds the same candidate in another home', async () => {
    const { target } = await bareOrigin();
    const { room } = await newRoom();
    const item = await worked(room, target, { 'b.txt': 'new\n' });
    const other = await newRoom();
    expect(await built(other.room, target, item)).toEqual(await built(room, target, item));
  });
});

describe('an origin of another kind', () => {
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
