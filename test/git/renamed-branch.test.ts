/** A branch whose name is a folder of another one's: an origin has one of the two at a time. */

import { expect, it } from '@jest/globals';
import { pathToFileURL } from 'node:url';
import { parseBranchName, parseTaskId } from '../../src/core/ids.ts';
import type { Target } from '../../src/core/queue-types.ts';
import type { GitRoom } from '../../src/git/types.ts';
import {
  bareOrigin,
  built,
  git,
  itemOf,
  newRoom,
  otherTaskId,
  prepared,
  stored,
  taskId,
  value,
  write,
} from '../support/git-rig.ts';

const BELOW = value(parseBranchName('main/next'));

it.each(['by its path', 'over a transport'])('is worked on after the other one, %s', async (how) => {
  const { target, person, origin } = await bareOrigin();
  const main: Target = how === 'by its path' ? target : { ...target, origin: pathToFileURL(origin).href };
  const { room } = await newRoom();
  await workedOn(room, main, taskId);
  // No branch of it is what HEAD names.
  await git(origin, 'symbolic-ref', 'HEAD', 'refs/heads/other');
  await git(person, 'push', '-q', 'origin', ':main');
  await git(person, 'push', '-q', 'origin', 'HEAD:refs/heads/main/next');
  await workedOn(room, { ...main, branch: BELOW }, otherTaskId);
  await git(person, 'push', '-q', 'origin', ':main/next');
  await git(person, 'push', '-q', 'origin', 'HEAD:refs/heads/main');
  const again = await workedOn(room, main, value(parseTaskId('zzzzzzzzzz')));
  expect(again.tree).toMatch(/^[0-9a-f]{40,64}$/);
});

async function workedOn(room: GitRoom, target: Target, id: typeof taskId) {
  const workspace = await prepared(room, target, 1, { kind: 'main' }, id);
  await write(workspace.worktree, { [`${id}.txt`]: id });
  return built(room, target, itemOf(await stored(room, target, workspace), id));
}
