/** What one process pushes, builds and lands without fetching: every repository has to be whole all the same. */

import { describe, expect, it } from '@jest/globals';
import { chmod, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  bareOrigin,
  branch,
  built,
  commitFiles,
  git,
  itemOf,
  newRoom,
  otherTaskId,
  prepared,
  project,
  stored,
  TASKS_YAML,
  worked,
  write,
} from '../support/git-rig.ts';
import { tempFolder } from '../support/temp.ts';

type Room = Awaited<ReturnType<typeof newRoom>>['room'];
type Item = Awaited<ReturnType<typeof worked>>;
type Target = Awaited<ReturnType<typeof bareOrigin>>['target'];

async function landed(room: Room, target: Target, item: Item): Promise<string> {
  const candidate = await built(room, target, item);
  const gate = await room.gateWorktree(target, item, candidate);
  expect(await git(gate.path, 'rev-parse', 'HEAD^{tree}')).toBe(candidate.tree);
  expect(await git(gate.path, 'status', '--porcelain')).toBe('');
  await gate.release();
  expect(await room.land(target, item, candidate)).toMatchObject({ kind: 'landed' });
  return candidate.commit;
}

/** Every repository below a home, and the origin, with all objects that its refs need. */
async function expectWhole(home: string, origin: string): Promise<void> {
  const folders = [origin];
  for (const room of ['mirrors', 'landing']) {
    for (const name of await readdir(join(home, room))) {
      if (name.endsWith('.git')) folders.push(join(home, room, name));
    }
  }
  for (const folder of folders) {
    expect(await git(folder, 'fsck', '--full', '--strict', '--no-dangling')).not.toMatch(/missing|broken|error/);
  }
}

describe('work that one process stores, builds and lands', () => {
  it.each(['sha1', 'sha256'])('leaves every repository whole, with %s', async (format) => {
    const folder = await tempFolder('origin');
    const origin = join(folder, 'origin.git');
    const person = join(folder, 'person');
    await git(folder, 'init', '-q', '--bare', '-b', 'main', `--object-format=${format}`, origin);
    await git(folder, 'init', '-q', '-b', 'main', `--object-format=${format}`, person);
    const many = Array.from({ length: 150 }, (_, index) => [`deep/${index % 7}/${index}.txt`, `${index}\n`] as const);
    await commitFiles(person, {
      'tasks.yaml': TASKS_YAML,
      'shared.txt': 'one\n\n\n\ntwo\n',
      ...Object.fromEntries(many),
    });
    await git(person, 'push', '-q', origin, 'main');
    const target = { project, branch, origin: pathToFileURL(origin).href };
    const { room, home } = await newRoom();

    const first = await prepared(room, target);
    const second = await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
    await write(first.worktree, { 'shared.txt': 'ONE\n\n\n\ntwo\n', 'deep/3/new.sh': 'true\n', 'näme/x': 'y\n' });
    await chmod(join(first.worktree, 'deep/3/new.sh'), 0o755);
    await symlink('../shared.txt', join(first.worktree, 'deep/link'));
    await write(second.worktree, { 'shared.txt': 'one\n\n\n\nTWO\n', 'deep/3/other.txt': 'other\n' });
    await git(second.worktree, 'add', '-A');
    await git(second.worktree, '-c', 'user.name=A', '-c', 'user.email=a@example.org', 'commit', '-q', '-m', 'its own');
    await write(second.worktree, { 'deep/4/late.txt': 'late\n' });
    const items = [itemOf(await stored(room, target, first)), itemOf(await stored(room, target, second), otherTaskId)];
    for (const item of items) await landed(room, target, item);
    await expectWhole(home, origin);
    expect(await git(origin, 'show', 'main:shared.txt')).toBe('ONE\n\n\n\nTWO');
    expect(await git(origin, 'ls-tree', 'main:deep/3', 'new.sh')).toContain('100755');
    expect(await git(origin, 'for-each-ref', 'refs/tasks')).not.toContain('/head');
  });

  it('fetches what somebody else has pushed to main meanwhile', async () => {
    const { origin, person, target } = await bareOrigin();
    const { room, home } = await newRoom();
    await landed(room, target, await worked(room, target, { 'one.txt': '1\n' }));
    const item = await worked(room, target, { 'two.txt': '2\n' }, otherTaskId);
    await git(person, 'pull', '-q', 'origin', 'main');
    await commitFiles(person, { 'theirs.txt': 'theirs\n' }, 'theirs');
    await git(person, 'push', '-q', 'origin', 'main');
    await landed(room, target, item);
    await expectWhole(home, origin);
    expect(await git(origin, 'ls-tree', '--name-only', 'main')).toBe('a.txt\none.txt\ntasks.yaml\ntheirs.txt\ntwo.txt');
  });

  it('reads the gate from main as somebody else has changed it', async () => {
    const { person, target } = await bareOrigin();
    const { room } = await newRoom();
    await landed(room, target, await worked(room, target, { 'one.txt': '1\n' }));
    const item = await worked(room, target, { 'two.txt': '2\n' }, otherTaskId);
    await git(person, 'pull', '-q', 'origin', 'main');
    await commitFiles(person, { 'tasks.yaml': 'project: demo\ngate: "false"\n' }, 'another gate');
    await git(person, 'push', '-q', 'origin', 'main');
    const seen: (string | null)[] = [];
    await room.buildCandidate(target, item, (text) => {
      seen.push(text);
      return { kind: 'invalid', message: 'only looked at' };
    });
    expect(seen).toEqual(['project: demo\ngate: "false"\n']);
  });

  it('refuses a task whose branch somebody has deleted on the origin, though it is in mind', async () => {
    const { origin, target } = await bareOrigin();
    const { room } = await newRoom();
    await landed(room, target, await worked(room, target, { 'one.txt': '1\n' }));
    const item = await worked(room, target, { 'two.txt': '2\n' }, otherTaskId);
    await git(origin, 'update-ref', '-d', `refs/tasks/${otherTaskId}/1/head`);
    const result = await room.buildCandidate(target, item, () => ({ kind: 'invalid', message: 'never asked' }));
    expect(result).toMatchObject({ kind: 'refused', failure: { kind: 'landing-refused' } });
  });

  it('lets git push what an agent has packed', async () => {
    const { origin, target } = await bareOrigin();
    const { room, home } = await newRoom();
    await landed(room, target, await worked(room, target, { 'one.txt': '1\n' }));
    const workspace = await prepared(room, target, 1, { kind: 'main' }, otherTaskId);
    await write(workspace.worktree, { 'packed.txt': 'packed\n' });
    await git(workspace.worktree, 'add', '-A');
    await git(workspace.worktree, '-c', 'user.name=A', '-c', 'user.email=a@example.org', 'commit', '-q', '-m', 'mine');
    await git(workspace.worktree, 'repack', '-q', '-a', '-d');
    const item = itemOf(await stored(room, target, workspace), otherTaskId);
    await landed(room, target, item);
    await expectWhole(home, origin);
    expect(await git(origin, 'show', 'main:packed.txt')).toBe('packed');
  });
});
