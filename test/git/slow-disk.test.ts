/** A worktree of very many files, on a disk that is slow to write and to look through. */

import { expect, it } from '@jest/globals';
import { collect, type Collect } from '../../src/git/collect.ts';
import { createGitRoom } from '../../src/git/room.ts';
import { built, checkedOutOrigin, confine, worked } from '../support/git-rig.ts';
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
