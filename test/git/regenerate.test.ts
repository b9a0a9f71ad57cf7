/** Files that main's rules make anew: what a candidate says of them, what a revision begins with, and what of it is stored. */

import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readGate } from '../../src/config/project-file.ts';
import { createGitRoom } from '../../src/git/room.ts';
import type { GitRoom, PrepareRequest, Workspace } from '../../src/git/types.ts';
import {
  bareOrigin,
  commitFiles,
  git,
  prepared,
  stored,
  storeRequest,
  itemOf,
  taskId,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const RULES =
  'merges: [{paths: [LOG.md], by: union}, {paths: [lock], by: regenerate, run: make lock}, {paths: ["**/other"], by: regenerate, run: make other}]\n';
const yaml = (rules: string): string => `project: demo\nbranch: main\ngate: "true"\n${rules}`;
const FILES = { 'tasks.yaml': yaml(RULES), 'LOG.md': 'log\n', lock: 'a\n', 'lib/other': 'b\n', 'a.txt': 'a\n' };

const readMerges = (text: string | null) => {
  const read = readGate(text);
  return read.kind === 'ok' ? (read.merges ?? []) : [];
};

async function ruled(): Promise<GitRoom> {
  const home = await tempFolder('home');
  return createGitRoom({ home, worker: 'test', processHome: home, readMerges });
}

/** A task's stored work, and what a person has put on main since. */
async function rig(work: Record<string, string>, main: Record<string, string>, files: Record<string, string> = FILES) {
  const { target, person } = await bareOrigin(files);
  const room = await ruled();
  const first = await prepared(room, target);
  await write(first.worktree, work);
  const checkpoint = await stored(room, target, first);
  const landed = await commitFiles(person, main, 'what landed');
  await git(person, 'push', '-q', 'origin', 'main');
  const request: PrepareRequest = {
    ...target,
    taskId,
    attempt: 2,
    start: { kind: 'revision', checkpoint },
    regenerate: true,
  };
  const begin = async (change: Partial<PrepareRequest> = {}): Promise<Workspace> => {
    const result = await room.prepareWorkspace({ ...request, ...change });
    if (result.kind === 'failed') throw new Error(result.message);
    return result.workspace;
  };
  const build = () => room.buildCandidate(target, itemOf(checkpoint), readGate);
  const store = (workspace: Workspace) =>
    room.storeWorkspace({ ...storeRequest(target, workspace, 2), only: workspace.anew?.files ?? [] });
  return { target, person, room, checkpoint, landed, begin, build, store };
}

const WORK = { lock: 'task\n', 'lib/other': 'task\n', 'LOG.md': 'log\ntask\n', 'b.txt': 'b\n' };
const MAIN = { lock: 'main\n', 'lib/other': 'main\n', 'LOG.md': 'log\nmain\n' };

describe('a conflict in nothing but files that are made anew', () => {
  it('is marked as one where the candidate is built, and runs nothing', async () => {
    const { build } = await rig(WORK, MAIN);
    expect(await build()).toMatchObject({
      kind: 'conflict',
      request: { regenerate: true, files: ['lib/other', 'lock'] },
    });
  });

  it("begins a revision with main's version, what rules unite, and the commands", async () => {
    const { begin, landed } = await rig(WORK, MAIN);
    const workspace = await begin();
    const { anew, conflicted, worktree, base } = workspace;
    expect(anew).toEqual({ files: ['lib/other', 'lock'], commands: ['make other', 'make lock'] });
    expect([conflicted, base]).toEqual([['lib/other', 'lock'], landed]);
    const read = (file: string): Promise<string> => readFile(join(worktree, file), 'utf8');
    expect(await Promise.all(['lock', 'lib/other', 'LOG.md', 'b.txt'].map(read))).toEqual([
      'main\n',
      'main\n',
      'log\nmain\ntask\n',
      'b\n',
    ]);
  });

  it('is stored with what was made anew, on top of the merge, and then merges by itself', async () => {
    const { begin, store, target, room, landed, checkpoint } = await rig(WORK, MAIN);
    const workspace = await begin();
    await write(workspace.worktree, { lock: 'both\n' });
    const result = await store(workspace);
    if (result.kind === 'failed') throw new Error(result.message);
    const { head } = result.checkpoint;
    expect(result.checkpoint).toMatchObject({ attempt: 2, base: landed, changed: true });
    const parents = await git(target.origin, 'log', '-1', '--format=%P', `${head}^`);
    expect(parents).toBe(`${checkpoint.head} ${landed}`);
    const built = await room.buildCandidate(target, itemOf(result.checkpoint), readGate);
    expect(built.kind).toBe('candidate');
    expect(await git(target.origin, 'show', `${head}:lock`)).toBe('both');
  });

  it('begins with markers when nobody asks for it, also after a try', async () => {
    const { begin } = await rig(WORK, MAIN);
    await write((await begin()).worktree, { lock: 'half', stray: 'x' });
    const workspace = await begin({ attempt: 3, regenerate: false });
    expect(workspace).toMatchObject({ anew: null, conflicted: ['lib/other', 'lock'] });
    expect(await readFile(join(workspace.worktree, 'lock'), 'utf8')).toContain('<<<<<<<');
    await expect(readFile(join(workspace.worktree, 'stray'))).rejects.toThrow('ENOENT');
  });
});

describe('what is not settled by making files anew', () => {
  it('is a conflict in any other file too', async () => {
    const { build, begin } = await rig({ ...WORK, 'a.txt': 'task\n' }, { ...MAIN, 'a.txt': 'main\n' });
    const result = await build();
    expect(result).toMatchObject({ kind: 'conflict', request: { files: ['a.txt', 'lib/other', 'lock'] } });
    expect(JSON.stringify(result)).not.toContain('regenerate');
    const workspace = await begin();
    expect(workspace).toMatchObject({ anew: null, conflicted: ['a.txt', 'lib/other', 'lock'] });
    expect(await readFile(join(workspace.worktree, 'lock'), 'utf8')).toContain('<<<<<<<');
  });

  it('is a file that one side has deleted', async () => {
    const { person, begin } = await rig({ lock: 'task\n' }, { 'c.txt': 'c\n' });
    await git(person, 'rm', '-q', 'lock');
    await git(person, 'commit', '-q', '-m', 'gone');
    await git(person, 'push', '-q', 'origin', 'main');
    expect(await begin()).toMatchObject({ anew: null, conflicted: ['lock'] });
  });

  it('is everything where main has no rules, even when the task brings some', async () => {
    const files = { ...FILES, 'tasks.yaml': yaml('') };
    const { build, begin } = await rig({ lock: 'task\n', 'tasks.yaml': yaml(RULES) }, { lock: 'main\n' }, files);
    expect(JSON.stringify(await build())).not.toContain('regenerate');
    expect(await begin()).toMatchObject({ anew: null, conflicted: ['lock'] });
  });

  it('is nothing where the merge is clean by now', async () => {
    const { begin, store } = await rig({ 'b.txt': 'b\n' }, { lock: 'main\n' });
    const workspace = await begin();
    expect(workspace).toMatchObject({ anew: null, conflicted: [] });
    expect(await store(workspace)).toMatchObject({ kind: 'stored', checkpoint: { head: workspace.start } });
  });
});

describe('what a command leaves', () => {
  it.each([
    ['another file changed', { 'a.txt': 'x\n', lock: 'both\n' }, /more than the files to be made anew: "a\.txt"/],
    ['a new file', { 'lib/stray': 'x' }, /more than the files to be made anew: "lib\/stray"/],
  ])('is refused with %s', async (_what, files, message) => {
    const { begin, store, target } = await rig(WORK, MAIN);
    const workspace = await begin();
    await write(workspace.worktree, files);
    const result = await store(workspace);
    expect(result).toMatchObject({
      kind: 'failed',
      failure: 'regenerate-failed',
      message: expect.stringMatching(message),
    });
    expect(await git(target.origin, 'for-each-ref', '--format=%(refname)')).not.toContain('/2/head');
  });

  it('is refused with a commit of its own', async () => {
    const { begin, store } = await rig(WORK, MAIN);
    const workspace = await begin();
    await commitFiles(workspace.worktree, { lock: 'both\n' });
    expect(await store(workspace)).toMatchObject({
      failure: 'regenerate-failed',
      message: expect.stringContaining('a commit of its own'),
    });
  });

  it('is refused with conflict markers', async () => {
    const { begin, store } = await rig(WORK, MAIN);
    const workspace = await begin();
    await write(workspace.worktree, { lock: '<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n' });
    expect(await store(workspace)).toMatchObject({ kind: 'failed', failure: 'conflict-markers' });
  });

  it("may be main's version as it is", async () => {
    const { begin, store } = await rig(WORK, MAIN);
    const workspace = await begin();
    expect(await store(workspace)).toMatchObject({ kind: 'stored', checkpoint: { head: workspace.start } });
  });
});
