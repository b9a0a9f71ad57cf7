/** Commits of other repositories in a task's work and in main. */

import { describe, expect, it } from '@jest/globals';
import type { ObjectId } from '../../src/core/ids.ts';
import { bareOrigin, git, head, itemOf, newRoom, readGate, taskId } from '../support/git-rig.ts';

const [OLD, OURS, THEIRS] = ['1', '2', '3'].map((digit) => digit.repeat(40));

describe('a submodule', () => {
  it('that a task and main have moved differently goes back to the task as a conflict', async () => {
    const { target, person } = await bareOrigin();
    const base = await pointed(person, OLD);
    await git(person, 'push', '-q', 'origin', 'main');
    const work = await pointed(person, THEIRS);
    await git(person, 'push', '-q', 'origin', `${work}:refs/tasks/${taskId}/1/head`);
    await git(person, 'reset', '-q', '--hard', base);
    await pointed(person, OURS);
    await git(person, 'push', '-q', 'origin', 'main');
    const { room } = await newRoom();
    const item = itemOf({ base, head: work, attempt: 1, changed: true });
    const result = await room.buildCandidate(target, item, readGate);
    expect(result).toMatchObject({ kind: 'conflict', request: { files: ['third_party/lib'] } });
  });

  it('that a task has moved is in the patch that a person decides about', async () => {
    const { target, person } = await bareOrigin();
    const base = await pointed(person, OLD);
    const moved = await pointed(person, THEIRS);
    await git(person, 'push', '-q', 'origin', 'main');
    const { room } = await newRoom();
    await room.prepareWorkspace({ ...target, taskId, attempt: 1, start: { kind: 'main' } });
    const patch = await room.diffOf({ ...target, base, head: moved });
    expect(patch).toContain(`-Subproject commit ${OLD}\n+Subproject commit ${THEIRS}`);
  });
});

/** A commit in which the submodule is at this one of its own. */
async function pointed(folder: string, id = ''): Promise<ObjectId> {
  await git(folder, 'update-index', '--add', '--cacheinfo', `160000,${id},third_party/lib`);
  await git(folder, 'commit', '-q', '-m', `lib at ${id.slice(0, 7)}`);
  return head(folder);
}
