/** An origin that is a shallow clone: git fetches nothing of it, and calls that a success. */

import { describe, expect, it } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { probeOrigin } from '../../src/git/room.ts';
import {
  bareOrigin,
  branch,
  commitFiles,
  git,
  itemOf,
  newRoom,
  prepared,
  project,
  readGate,
  stored,
  taskId,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

async function shallowOrigin() {
  const { person, origin: whole } = await bareOrigin();
  await commitFiles(person, { 'b.txt': 'b\n' }, 'second');
  await git(person, 'push', '-q', 'origin', 'main');
  const origin = join(await tempFolder('shallow'), 'repo');
  await git('/', 'clone', '-q', '--depth', '1', pathToFileURL(whole).href, origin);
  return { origin, target: { project, branch, origin } };
}

const SHALLOW = {
  failure: 'bad-configuration',
  message: expect.stringMatching(/ is a shallow clone: /),
  next: expect.stringContaining('git fetch --unshallow'),
};

describe('an origin that is a shallow clone', () => {
  it.each(['as a path', 'as a URL'])('is refused as one, with the way to complete it: %s', async (how) => {
    const { origin, target } = await shallowOrigin();
    const { room } = await newRoom();
    const named = how === 'as a path' ? target : { ...target, origin: pathToFileURL(origin).href };
    const start = { kind: 'main' } as const;
    expect(await room.prepareWorkspace({ ...named, taskId, attempt: 1, start })).toMatchObject(SHALLOW);
  });

  it('is taken once it is complete', async () => {
    const { origin, target } = await shallowOrigin();
    const { room } = await newRoom();
    await expect(prepared(room, target)).rejects.toThrow('bad-configuration');
    await git(origin, 'fetch', '-q', '--unshallow');
    expect((await prepared(room, target)).taskId).toBe(taskId);
  });

  it('is known by the look of tasks doctor', async () => {
    const { target } = await shallowOrigin();
    const home = await tempFolder('home');
    expect(await probeOrigin(target, { home, processHome: home })).toMatchObject({
      fetch: { kind: 'ok' },
      lacks: SHALLOW,
    });
  });

  it('holds what was handed off before it became one', async () => {
    const { target, person, origin } = await bareOrigin();
    const { room } = await newRoom();
    const workspace = await prepared(room, target);
    await write(workspace.worktree, { 'c.txt': 'c\n' });
    const checkpoint = await stored(room, target, workspace);
    const second = await commitFiles(person, { 'b.txt': 'b\n' }, 'second');
    await git(person, 'push', '-q', 'origin', 'main');
    await writeFile(join(origin, 'shallow'), `${second}\n`);
    expect(await room.buildCandidate(target, itemOf(checkpoint), readGate)).toMatchObject({
      kind: 'held',
      why: 'origin',
      text: SHALLOW.message,
    });
  });
});
