/** Merges by the rules that main declares: in candidates, in gate worktrees of other hosts, in revisions, on the radar. */

import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readGate as readGateOfFile } from '../../src/config/project-file.ts';
import type { Candidate } from '../../src/core/queue-types.ts';
import { createGitRoom } from '../../src/git/room.ts';
import type { GitRoom } from '../../src/git/types.ts';
import { bareOrigin, commitFiles, git, otherTaskId, stored, taskId, worked, write } from '../support/git-rig.ts';
import { prepared } from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const RULES = 'merges: [{paths: ["**/CHANGELOG.md"], by: union}]\n';
const yaml = (more = RULES): string => `project: demo\nbranch: main\ngate: "true"\n${more}`;
const LOG = '# Changes\n\n- first\n';
const FILES = { 'tasks.yaml': yaml(), 'CHANGELOG.md': LOG, 'lib/deep/CHANGELOG.md': LOG, 'a.txt': 'a\n' };

async function ruled(): Promise<GitRoom> {
  const home = await tempFolder('home');
  return createGitRoom({
    home,
    worker: 'test',
    processHome: home,
    readMerges: (text) => {
      const read = readGateOfFile(text);
      return read.kind === 'ok' ? (read.merges ?? []) : [];
    },
  });
}

/** A task's work, and what a person has put on main since. */
async function rig(work: Record<string, string>, main: Record<string, string>, files: Record<string, string> = FILES) {
  const { target, person } = await bareOrigin(files);
  const room = await ruled();
  const item = await worked(room, target, work);
  const landed = await commitFiles(person, main, 'what landed');
  await git(person, 'push', '-q', 'origin', 'main');
  const build = async (by: GitRoom = room): Promise<Candidate> => {
    const result = await by.buildCandidate(target, item, readGateOfFile);
    if (result.kind !== 'candidate') throw new Error(JSON.stringify(result));
    return result.candidate;
  };
  return { target, person, room, item, landed, build, result: () => room.buildCandidate(target, item, readGateOfFile) };
}

const BOTH = '# Changes\n\n- first\n- main\n- task\n';
const added = (line: string): string => `${LOG}- ${line}\n`;

describe('a changelog that both sides have added to', () => {
  it('has the lines of both, and the candidate lands', async () => {
    const work = { 'CHANGELOG.md': added('task'), 'lib/deep/CHANGELOG.md': added('task'), 'b.txt': 'b\n' };
    const main = { 'CHANGELOG.md': added('main'), 'lib/deep/CHANGELOG.md': added('main') };
    const { target, room, item, build } = await rig(work, main);
    const candidate = await build();
    expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
    for (const file of ['CHANGELOG.md', 'lib/deep/CHANGELOG.md', 'b.txt']) {
      expect(await git(target.origin, 'show', `main:${file}`)).toBe(file === 'b.txt' ? 'b' : BOTH.trim());
    }
    expect(await git(target.origin, 'show', 'main:a.txt')).toBe('a');
    await git(target.origin, 'fsck', '--strict', '--no-dangling');
  });

  it('comes out the same on another host, and in its gate worktree', async () => {
    const { target, item, build } = await rig({ 'CHANGELOG.md': added('task') }, { 'CHANGELOG.md': added('main') });
    const candidate = await build();
    expect(await build(await ruled())).toEqual(candidate);
    const gate = await (await ruled()).gateWorktree(target, item, candidate);
    expect(await readFile(join(gate.path, 'CHANGELOG.md'), 'utf8')).toBe(BOTH);
    await gate.release();
  });

  it('may be new on both sides', async () => {
    const name = 'new/CHANGELOG.md';
    const { target, room, item, build } = await rig({ [name]: 'task\n' }, { [name]: 'main\n' });
    expect(await room.land(target, item, await build())).toMatchObject({ kind: 'landed' });
    expect(await git(target.origin, 'show', `main:${name}`)).toBe('main\ntask');
  });

  it('is merged on a candidate ahead too, and that one is made again elsewhere', async () => {
    const { target, room, item, build } = await rig(
      { 'CHANGELOG.md': added('task') },
      { 'CHANGELOG.md': added('main') },
    );
    const two = await worked(room, target, { 'CHANGELOG.md': `${added('main')}- other\n` }, otherTaskId);
    const ahead = await build();
    const below = [{ item, commit: ahead.commit, tree: ahead.tree, main: ahead.main, gateHash: ahead.gate.hash }];
    const request = { item: two, parent: ahead.commit, known: null, below };
    const built = await room.buildOn(target, request, readGateOfFile);
    expect(built.result.kind).toBe('candidate');
    const elsewhere = await (await ruled()).buildOn(target, request, readGateOfFile);
    expect(elsewhere.result).toEqual(built.result);
  });

  it('leaves what else conflicts as the only conflict', async () => {
    const work = { 'CHANGELOG.md': added('task'), 'a.txt': 'task\n' };
    const { result } = await rig(work, { 'CHANGELOG.md': added('main'), 'a.txt': 'main\n' });
    const refused = await result();
    expect(refused).toMatchObject({ kind: 'conflict', request: { files: ['a.txt'] } });
    expect(JSON.stringify(refused)).not.toContain('CHANGELOG');
  });
});

describe('what rules do not settle', () => {
  it('is a file that one side has deleted, and one that is no text', async () => {
    const gone = await rig({ 'CHANGELOG.md': added('task') }, { 'c.txt': 'c\n' });
    await git(gone.person, 'rm', '-q', 'CHANGELOG.md');
    await git(gone.person, 'commit', '-q', '-m', 'gone');
    await git(gone.person, 'push', '-q', 'origin', 'main');
    expect(await gone.result()).toMatchObject({ kind: 'conflict', request: { files: ['CHANGELOG.md'] } });
    const binary = await rig({ 'CHANGELOG.md': 'task\0' }, { 'CHANGELOG.md': 'main\0' });
    expect(await binary.result()).toMatchObject({ kind: 'conflict', request: { files: ['CHANGELOG.md'] } });
  });

  it('is a file that is too large for it', async () => {
    const lines = 'a line\n'.repeat(2_500_000);
    const name = 'new/CHANGELOG.md';
    const { result } = await rig({ [name]: `${lines}task\n` }, { [name]: `${lines}main\n` });
    expect(await result()).toMatchObject({ kind: 'conflict', request: { files: [name] } });
  });

  it('is everything, where main has no rules, even when the task brings some', async () => {
    const work = { 'CHANGELOG.md': added('task'), 'tasks.yaml': yaml() };
    const { result } = await rig(work, { 'CHANGELOG.md': added('main') }, { ...FILES, 'tasks.yaml': yaml('') });
    expect(await result()).toMatchObject({ kind: 'conflict', request: { files: ['CHANGELOG.md'] } });
  });

  it('is not what attributes of the repository would have', async () => {
    const attributes = { ...FILES, '.gitattributes': 'a.txt merge=union\nCHANGELOG.md -merge\n' };
    const work = { 'a.txt': 'task\n', 'CHANGELOG.md': added('task') };
    const { result } = await rig(work, { 'a.txt': 'main\n', 'CHANGELOG.md': added('main') }, attributes);
    expect(await result()).toMatchObject({ kind: 'conflict', request: { files: ['a.txt'] } });
  });
});

it('a revision begins with what rules settle merged, and markers in the rest alone', async () => {
  const { target, person } = await bareOrigin(FILES);
  const room = await ruled();
  const workspace = await prepared(room, target);
  await write(workspace.worktree, { 'CHANGELOG.md': added('task'), 'a.txt': 'task\n' });
  const checkpoint = await stored(room, target, workspace);
  await commitFiles(person, { 'CHANGELOG.md': added('main'), 'a.txt': 'main\n' }, 'what landed');
  await git(person, 'push', '-q', 'origin', 'main');
  const again = await prepared(room, target, 2, { kind: 'revision', checkpoint }, taskId);
  expect(again.conflicted).toEqual(['a.txt']);
  expect(await readFile(join(again.worktree, 'CHANGELOG.md'), 'utf8')).toBe('# Changes\n\n- first\n- main\n- task\n');
});

it('the radar tells nobody of what rules settle', async () => {
  const { target, room, item } = await rig({ 'CHANGELOG.md': added('task') }, { 'CHANGELOG.md': added('main') });
  const two = await worked(room, target, { 'CHANGELOG.md': added('other') }, otherTaskId);
  const works = [item, two].map(({ taskId: id, attempt, base, head }) => ({ id, attempt, base, head }));
  const sight = await room.lookAround(target, works);
  expect(sight).toMatchObject({ seen: [taskId, otherTaskId], overlaps: [] });
  expect(sight?.conflicts.size).toBe(0);
});
