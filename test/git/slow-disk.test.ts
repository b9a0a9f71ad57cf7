/** A worktree of very many files, on a disk that is slow to write and to look through. */

import { expect, it } from '@jest/globals';
import { collect, type Collect } from '../../src/git/collect.ts';
import { createGitRoom } from '../../src/git/room.ts';
import {
  bareOrigin,
  built,
  checkedOutOrigin,
  commitFiles,
  confine,
  git,
  readGate,
  worked,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

const TEN_MINUTES = 600_000;

/** Each look at a worktree takes ten minutes there. */
const slowly: Collect = async (request) =>
  request.env?.['GIT_WORK_TREE'] !== undefined && request.timeoutMs < TEN_MINUTES
    ? { kind: 'timeout', stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
    : collect(request);

it('is made, stored, gated and landed all the same', async () => {
  const { target } = await checkedOutOrigin();
  const home = await tempFolder('home');
  const room = createGitRoom({ home, worker: 'test', processHome: home, confine, collect: slowly });
  const item = await worked(room, target, { 'b.txt': 'b\n' });
  const candidate = await built(room, target, item);
  const gate = await room.gateWorktree(target, item, candidate);
  await gate.release();
  expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
});

it('a task is refused that git cannot merge in time, once it was tried twice, and others land', async () => {
  const { target, person } = await bareOrigin();
  const home = await tempFolder('home');
  let late = Infinity;
  let merges = 0;
  const collecting: Collect = async (request) => {
    const isMerge = request.args.includes('merge-tree');
    if (isMerge) merges += 1;
    return isMerge && merges <= late
      ? { kind: 'timeout', stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
      : collect(request);
  };
  const room = createGitRoom({ home, worker: 'test', processHome: home, confine: null, collect: collecting });
  const item = await worked(room, target, { 'b.txt': 'b\n' });
  await commitFiles(person, { 'c.txt': 'c\n' });
  await git(person, 'push', '-q', 'origin', 'main');
  expect(await room.buildCandidate(target, item, readGate)).toMatchObject({
    kind: 'refused',
    failure: { kind: 'landing-refused', message: expect.stringContaining(`refs/tasks/${item.taskId}/1/head`) },
  });
  expect(merges).toBe(2);
  // As on a machine that has stood still for once.
  [merges, late] = [0, 1];
  expect(await room.buildCandidate(target, item, readGate)).toMatchObject({ kind: 'candidate' });
});
