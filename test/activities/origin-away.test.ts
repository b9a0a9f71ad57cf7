/** Storing what an agent left while its origin is away. The wait itself: test/e2e/origin. */

import { expect, it } from '@jest/globals';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DEFAULT_LIMITS } from '../../src/activities/dependencies.ts';
import { storeWhenReached } from '../../src/activities/origin-away.ts';
import { bareOrigin, newRoom, prepared, storeRequest } from '../support/git-rig.ts';

it('ends with why it cannot be reached once it has been away for too long', async () => {
  const { target, origin } = await bareOrigin();
  const { room } = await newRoom();
  const workspace = await prepared(room, target);
  await writeFile(join(workspace.worktree, 'work'), 'x\n');
  await rename(origin, `${origin}.away`);
  const limits = { ...DEFAULT_LIMITS, awayMs: 0 };
  const of = { git: room, limits, log: () => undefined };
  const request = storeRequest(target, workspace);
  const { signal } = new AbortController();
  expect(await storeWhenReached(of, request, signal)).toMatchObject({ kind: 'failed', failure: 'origin-unreachable' });
  await rename(`${origin}.away`, origin);
  expect(await storeWhenReached(of, request, signal)).toMatchObject({ kind: 'stored', checkpoint: { changed: true } });
});
